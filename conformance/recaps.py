"""PLAY RECAPs as data, and when two targets' recaps are the same."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TypeAlias

Counts: TypeAlias = dict[str, int]
Recap: TypeAlias = dict[str, Counts]
Recaps: TypeAlias = list[Recap]


def read_record(text: str) -> Recaps:
    """Give the recaps of all runs of a target, in an order that does not depend on time.

    *Shapes*: `text` is what recorder.py wrote: a JSON object a line, {"recap": {host: {"ok": 1}}}.
    Counts of 0 are left out; runs without a recap (a syntax check) do not count.
    """
    runs = [json.loads(line) for line in text.splitlines() if line]
    return in_order(_without_zeros(run["recap"]) for run in runs if run["recap"])


def in_order(recaps: Iterable[Recap]) -> Recaps:
    """Sort recaps and what is in them: targets may run playbooks at the same time."""
    return sorted(
        ({host: recap[host] for host in sorted(recap)} for recap in recaps),
        key=lambda recap: json.dumps(recap, sort_keys=True),
    )


def differences(ours: Recaps, stock: Recaps) -> str:
    """Tell in a line how many runs differ, and the first that does; '' when none does."""
    missing = _not_in(stock, ours)
    extra = _not_in(ours, stock)
    if not missing and not extra:
        return ""
    first_missing = json.dumps(missing[0], sort_keys=True) if missing else "no more runs"
    first_extra = json.dumps(extra[0], sort_keys=True) if extra else "no run"
    count = max(len(missing), len(extra))
    return f"{count} of {len(stock)} runs: expected {first_missing}, got {first_extra}"


def agree_where_steady(ours: Recaps, recordings: list[Recaps]) -> bool:
    """Whether ours has as many runs as stock's, and all those that stock itself repeats.

    Some targets draw hosts at random: a run that stock does otherwise each time tells nothing.
    *Shapes*: `recordings` are stock's recaps of several times, at least two.
    """
    if len(recordings) < 2 or any(len(recaps) != len(ours) for recaps in recordings):
        return False
    steady = recordings[0]
    for recaps in recordings[1:]:
        changing = _not_in(steady, recaps)
        steady = _not_in(steady, changing)
    return not _not_in(steady, ours)


def _not_in(recaps: Recaps, others: Recaps) -> Recaps:
    left = list(others)
    result = []
    for recap in recaps:
        if recap in left:
            left.remove(recap)
        else:
            result.append(recap)
    return result


def _without_zeros(recap: Recap) -> Recap:
    return {
        host: {name: count for name, count in sorted(counts.items()) if count}
        for host, counts in recap.items()
    }
