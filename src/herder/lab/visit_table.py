"""What many visits of a site say together: who answered with which release, how fast, how often."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from herder.lab.visitors import Visit


@dataclass(frozen=True, slots=True)
class Share:
    """The answers of one server with one release; '' where the site does not tell.

    *Units*: the percentiles are seconds; 0 when no answer was whole.
    """

    host: str
    release: str
    answers: int
    failures: int
    median_seconds: float
    p95_seconds: float
    slowest_seconds: float


def shares(visits: Iterable[Visit]) -> list[Share]:
    """Give the share of each server and release, by name; failures without a server come last."""
    groups: dict[tuple[str, str], list[Visit]] = {}
    for visit in visits:
        groups.setdefault((visit.host, visit.release), []).append(visit)
    return [share(seen, *key) for key, seen in sorted(groups.items(), key=_order)]


def share(visits: Sequence[Visit], host: str = "", release: str = "") -> Share:
    """Give these visits as one."""
    seconds = sorted(visit.ended - visit.started for visit in visits if not visit.failure)
    return Share(
        host,
        release,
        len(seconds),
        len(visits) - len(seconds),
        percentile(seconds, 50),
        percentile(seconds, 95),
        seconds[-1] if seconds else 0.0,
    )


def percentile(ordered: Sequence[float], percent: int) -> float:
    """Give the nearest-rank percentile of values in order; 0 of none."""
    if not ordered:
        return 0.0
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def failures(visits: Iterable[Visit]) -> dict[str, int]:
    """Give how often each failure came, the most frequent first."""
    counted: dict[str, int] = {}
    for visit in visits:
        if visit.failure:
            counted[visit.failure] = counted.get(visit.failure, 0) + 1
    return dict(sorted(counted.items(), key=lambda item: -item[1]))


def _order(item: tuple[tuple[str, str], list[Visit]]) -> tuple[bool, str, str]:
    (host, release), _ = item
    return (not host, host, release)
