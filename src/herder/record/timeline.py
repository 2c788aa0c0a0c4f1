"""The timeline of a run as SVG: a row a host, a bar a task, coloured by how it ended."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from herder.events import Outcome
from herder.model.host_order import natural_key
from herder.record.rows import LOST, Span

WIDTH = 1160
LABEL_WIDTH = 150
RIGHT_MARGIN = 30
AXIS_HEIGHT = 26
ROWS_MAX = 80
# Bars thinner than this melt into their neighbour when it ended the same way.
BAR_WIDTH_MIN = 0.8
LABEL_CHARACTERS = 20

_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600)
_TICKS_MAX = 10


@dataclass(frozen=True, slots=True)
class _Bar:
    """Spans of one host drawn as one rectangle, in pixels from the left edge."""

    left: float
    right: float
    outcome: Outcome
    title: str
    is_critical: bool


def draw_timeline(
    spans: Sequence[Span], seconds: float, critical: Sequence[Span] = ()
) -> tuple[str, int]:
    """Give the SVG and how many hosts had no room in it; lost and busiest hosts come first."""
    rows = _rows(spans)
    shown = rows[:ROWS_MAX]
    row_height = 22 if len(shown) <= 30 else 14
    seconds = max([seconds, *(span.end for span in spans)], default=0.0) or 1.0
    scale = (WIDTH - LABEL_WIDTH - RIGHT_MARGIN) / seconds
    height = AXIS_HEIGHT + row_height * len(shown) + 4
    marked = {span.number for span in critical}
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {height}" class="timeline" role="img" '
        'aria-label="timeline of tasks per host">',
        *_axis(seconds, scale, height),
    ]
    for number, (host, of_host) in enumerate(shown):
        top = AXIS_HEIGHT + number * row_height
        parts.append(_label(host, top + row_height / 2))
        parts += [_rectangle(bar, top, row_height) for bar in _bars(of_host, scale, marked)]
    return "\n".join([*parts, "</svg>"]), len(rows) - len(shown)


def _rows(spans: Sequence[Span]) -> list[tuple[str, list[Span]]]:
    by_host: dict[str, list[Span]] = defaultdict(list)
    for span in spans:
        by_host[span.host].append(span)
    if len(by_host) <= ROWS_MAX:
        return sorted(by_host.items(), key=lambda row: natural_key(row[0]))

    def weight(row: tuple[str, list[Span]]) -> tuple[bool, float]:
        is_lost = any(span.outcome in LOST for span in row[1])
        return (not is_lost, -sum(span.seconds for span in row[1]))

    return sorted(by_host.items(), key=weight)


def _bars(spans: Sequence[Span], scale: float, critical: set[int]) -> list[_Bar]:
    bars: list[_Bar] = []
    for span in sorted(spans, key=lambda span: span.second):
        left = LABEL_WIDTH + span.second * scale
        right = left + max(span.seconds * scale, 0.3)
        title = f"{span.name}\n{span.host}: {span.outcome.value}, {span.seconds:.2f} s"
        bar = _Bar(left, right, span.outcome, title, span.number in critical)
        if bars and _may_melt(bars[-1], bar):
            last = bars[-1]
            title = last.title if last.right - last.left >= right - left else title
            bars[-1] = _Bar(last.left, right, bar.outcome, title, bar.is_critical)
        else:
            bars.append(bar)
    return bars


def _may_melt(last: _Bar, bar: _Bar) -> bool:
    is_thin = min(bar.right - bar.left, last.right - last.left) < BAR_WIDTH_MIN
    is_alike = (last.outcome, last.is_critical) == (bar.outcome, bar.is_critical)
    return is_thin and is_alike and bar.left - last.right < BAR_WIDTH_MIN


def _rectangle(bar: _Bar, top: float, row_height: int) -> str:
    classes = bar.outcome.value + (" critical" if bar.is_critical else "")
    width = max(bar.right - bar.left - 0.5, 0.5)
    return (
        f'<rect x="{bar.left:.1f}" y="{top + 2}" width="{width:.1f}" height="{row_height - 4}" '
        f'rx="1.5" class="{classes}"><title>{escape(bar.title)}</title></rect>'
    )


def _label(host: str, middle: float) -> str:
    short = host if len(host) <= LABEL_CHARACTERS else host[: LABEL_CHARACTERS - 1] + "…"
    return (
        f'<text x="{LABEL_WIDTH - 8}" y="{middle + 4:.1f}" class="host">{escape(short)}'
        f"<title>{escape(host)}</title></text>"
    )


def _axis(seconds: float, scale: float, height: int) -> list[str]:
    step = next((step for step in _STEPS if seconds / step <= _TICKS_MAX), 86400)
    parts = []
    for number in range(math.floor(seconds / step) + 1):
        x = LABEL_WIDTH + number * step * scale
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="18" y2="{height}" class="grid"/>')
        parts.append(f'<text x="{x:.1f}" y="13" class="tick">{_tick(number * step)}</text>')
    return parts


def _tick(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
