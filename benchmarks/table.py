"""The report as a Markdown table: seconds of Herder, and how many times longer each peer took."""

from __future__ import annotations

from pathlib import Path

from benchmarks.peers import Peer
from benchmarks.results import Report, Row

CLOCK, PROCESSOR = "median", "processor_median"
BEGIN, END = "<!-- benchmark numbers: begin;", "<!-- benchmark numbers: end -->"


def table(report: Report, peers: list[Peer]) -> str:
    """Give a table of seconds, one of processor seconds, and what they were measured on."""
    shown = [peer for peer in peers if any(peer.name in row["peers"] for row in report.rows)]
    clock, processor = (_table(report.rows, shown, value) for value in (CLOCK, PROCESSOR))
    caption = "Processor seconds, controller and servers together:"
    return "\n".join([*clock, "", caption, "", *processor, "", *_notes(report)])


def put_into(page: Path, text: str) -> None:
    """Put a table between the marks of a Markdown page.

    *Raises*: ValueError when the page has no such marks.
    """
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    first_line, _, rest = rest.partition("\n")
    _old, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} has no line {BEGIN!r} and {END!r} to put the table between")
    page.write_text(f"{before}{begin}{first_line}\n{text}\n{end}{after}", encoding="utf-8")


def ratio(row: Row, peer: str, value: str = CLOCK) -> float | None:
    """Give how many times longer than Herder a peer took, by medians."""
    ours, theirs = (row["peers"].get(name, {}).get(value) for name in ("herder", peer))
    return theirs / ours if ours and theirs else None


def _table(rows: list[Row], peers: list[Peer], value: str) -> list[str]:
    head = "| | " + " | ".join(peer.title for peer in peers) + " |"
    rule = "|---|" + "---:|" * len(peers)
    return [head, rule, *(_line(row, peers, value) for row in rows)]


def _line(row: Row, peers: list[Peer], value: str) -> str:
    cells = [_cell(row, peer.name, value) for peer in peers]
    return f"| {row['title']} | " + " | ".join(cells) + " |"


def _cell(row: Row, peer: str, value: str) -> str:
    found = row["peers"].get(peer)
    if found is None:
        return ""
    median = found.get(value)
    if median is None:
        return "failed"
    times = ratio(row, peer, value)
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
