"""The report as an SVG chart: a bar for each peer, seconds on a logarithmic scale."""

from __future__ import annotations

import math
from pathlib import Path
from xml.sax.saxutils import escape

from benchmarks.peers import Peer
from benchmarks.results import Report, Row

WIDTH = 920
LEFT = 400
RIGHT = 110
BAR = 14
GAP = 16
COLOURS = ("#d9480f", "#868e96", "#2b8a3e", "#5f3dc4", "#1971c2", "#74b9e8")


def write_chart(report: Report, peers: list[Peer], file: Path) -> None:
    """Write the chart."""
    file.write_text(chart(report, peers), encoding="utf-8")


def chart(report: Report, peers: list[Peer]) -> str:
    """Give the chart's text."""
    times = [time for row in report.rows for time in _medians(row).values()]
    low, high = (min(times) * 0.7, max(times)) if times else (0.1, 1.0)
    body: list[str] = []
    top = 40
    for row in report.rows:
        body += _group(row, peers, top, (low, high))
        top += len(_medians(row)) * (BAR + 2) + GAP
    shown = {name for row in report.rows for name in _medians(row)}
    return "\n".join([_opening(top), *_legend(peers, shown), *body, "</svg>", ""])


def _opening(height: int) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        'font-family="system-ui, sans-serif" font-size="12">\n'
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>'
    )


def _legend(peers: list[Peer], shown: set[str]) -> list[str]:
    parts, left = [], 10
    for peer, colour in zip(peers, COLOURS, strict=False):
        if peer.name not in shown:
            continue
        parts.append(f'<rect x="{left}" y="10" width="11" height="11" fill="{colour}"/>')
        parts.append(f'<text x="{left + 15}" y="20" fill="#212529">{escape(peer.title)}</text>')
        left += 32 + 7 * len(peer.title)
    scale = "seconds, logarithmic"
    parts.append(f'<text x="{WIDTH - 10}" y="20" text-anchor="end" fill="#868e96">{scale}</text>')
    return parts


def _group(row: Row, peers: list[Peer], top: int, span: tuple[float, float]) -> list[str]:
    medians = _medians(row)
    middle = top + len(medians) * (BAR + 2) / 2 + 4
    title = escape(str(row["title"]))
    parts = [
        f'<text x="{LEFT - 10}" y="{middle:.0f}" text-anchor="end" fill="#212529">{title}</text>'
    ]
    for peer, colour in zip(peers, COLOURS, strict=False):
        seconds = medians.get(peer.name)
        if seconds is None:
            continue
        length = _length(seconds, span)
        text = _text(seconds, medians.get("herder"), is_ours=peer.name == "herder")
        parts.append(
            f'<rect x="{LEFT}" y="{top}" width="{length:.1f}" height="{BAR}" fill="{colour}"/>'
            f'<text x="{LEFT + length + 5:.1f}" y="{top + 11}" fill="#495057">{text}</text>'
        )
        top += BAR + 2
    return parts


def _length(seconds: float, span: tuple[float, float]) -> float:
    low, high = (math.log(bound) for bound in span)
    return (WIDTH - LEFT - RIGHT) * (math.log(seconds) - low) / (high - low)


def _text(seconds: float, ours: float | None, *, is_ours: bool) -> str:
    if is_ours or not ours:
        return f"{seconds:.2f} s"
    return f"{seconds:.1f} s, {seconds / ours:.1f}x"


def _medians(row: Row) -> dict[str, float]:
    return {name: found["median"] for name, found in row["peers"].items() if found.get("median")}
