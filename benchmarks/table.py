"""The report as a Markdown table: seconds of Herder, and how many times longer each peer took."""

from __future__ import annotations

from benchmarks.peers import Peer
from benchmarks.results import Report, Row


def table(report: Report, peers: list[Peer]) -> str:
    """Give the table with a line for each scenario, and what it was measured on."""
    shown = [peer for peer in peers if any(peer.name in row["peers"] for row in report.rows)]
    head = "| | " + " | ".join(peer.title for peer in shown) + " |"
    rule = "|---|" + "---:|" * len(shown)
    lines = [_line(row, shown) for row in report.rows]
    return "\n".join([head, rule, *lines, "", *_notes(report)])


def ratio(row: Row, peer: str) -> float | None:
    """Give how many times longer than Herder a peer took, by medians."""
    ours, theirs = (row["peers"].get(name, {}).get("median") for name in ("herder", peer))
    return theirs / ours if ours and theirs else None


def _line(row: Row, peers: list[Peer]) -> str:
    cells = [_cell(row, peer.name) for peer in peers]
    return f"| {row['title']} | " + " | ".join(cells) + " |"


def _cell(row: Row, peer: str) -> str:
    found = row["peers"].get(peer)
    if found is None:
        return ""
    median = found.get("median")
    if median is None:
        return "failed"
    times = ratio(row, peer)
    if peer == "herder" or times is None:
        return f"**{median:.2f} s**"
    return f"{median:.1f} s ({times:.1f}x)"


def _notes(report: Report) -> list[str]:
    machine, versions = report.machine, report.versions
    return [
        f"Medians of runs that took turns; {report.date}. {machine['cores']} cores "
        f"({machine['processor']}), shared by controller and servers; {machine['servers']}; "
        f"{machine['system']}, load {machine['load']}.",
        "Versions: "
        + ", ".join(f"{name}: {version}" for name, version in sorted(versions.items()))
        + ".",
    ]
