"""How far a host's clock is from ours, known only as well as its answer took."""

from __future__ import annotations

from dataclasses import dataclass

CLOCK_LIMIT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Asked:
    """When a question went out and when all answers were there, by our clock."""

    began: float
    ended: float


def seconds_ahead(said: float, asked: Asked) -> float:
    """Give the least that a host's clock must be ahead of ours; negative when it is behind.

    The host looked at its clock at some moment in between: any time of ours until then is right.
    """
    if said > asked.ended:
        return said - asked.ended
    return min(0.0, said - asked.began)
