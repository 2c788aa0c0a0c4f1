"""The chain of tasks that made a run as long as it was."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from herder.record.rows import Span

# Two clocks readings apart: an end and the start that waited for it differ by the engine's work.
SLACK_SECONDS = 0.02


def critical_path(spans: Sequence[Span]) -> list[Span]:
    """Give the chain of spans, first to last, each of which the next one waited for.

    It is found from the end: before the span that ended last came the one that ended last before
    it began. What is left out of the chain could be faster without the run becoming faster.
    """
    by_end = sorted((span for span in spans if span.seconds >= 0), key=lambda span: span.end)
    ends = [span.end for span in by_end]
    chain: list[Span] = []
    index = len(by_end) - 1
    while index >= 0:
        span = by_end[index]
        chain.append(span)
        before = bisect_right(ends, span.second + SLACK_SECONDS, hi=index) - 1
        index = _prefer_same_host(by_end, before, span)
    return chain[::-1]


def _prefer_same_host(by_end: Sequence[Span], index: int, after: Span) -> int:
    """Give the span at `index`, or one of the same host that ended as late as it did."""
    here = index
    while here >= 0 and by_end[index].end - by_end[here].end <= SLACK_SECONDS:
        if by_end[here].host == after.host:
            return here
        here -= 1
    return index
