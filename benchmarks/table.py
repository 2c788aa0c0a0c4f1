"""The report as Markdown tables: seconds of Herder, and how many times longer each peer took."""

from __future__ import annotations

from pathlib import Path

from benchmarks.peers import Peer
from benchmarks.results import Report, Row

CLOCK, PROCESSOR = "median", "processor_median"


def tables(report: Report, peers: list[Peer]) -> dict[str, str]:
    """Give a table of seconds and one of processor seconds, each with what it was measured on.

    *Shapes*: by the name that a page's marks have.
    """
    shown = [peer for peer in peers if any(peer.name in row["peers"] for row in report.rows)]
    return {
        name: "\n".join([*_table(report.rows, shown, value), "", *_notes(report)])
        for name, value in (("seconds", CLOCK), ("processor seconds", PROCESSOR))
    }


def put_into(page: Path, texts: dict[str, str]) -> None:
    """Put each table that a Markdown page has marks for between them.

    *Raises*: ValueError when the page has marks for none.
    """
    found = page.read_text(encoding="utf-8")
    wanted = {name: text for name, text in texts.items() if _marks(name)[0] in found}
    if not wanted:
        begin, end = _marks(next(iter(texts)))
        raise ValueError(f"{page} has no line {begin!r} and {end!r} to put the table between")
    for name, text in wanted.items():
        begin, end = _marks(name)
        before, _, rest = found.partition(begin)
        first_line, _, rest = rest.partition("\n")
        _old, _, after = rest.partition(end)
        found = f"{before}{begin}{first_line}\n{text}\n{end}{after}"
    page.write_text(found, encoding="utf-8")


def _marks(name: str) -> tuple[str, str]:
    return f"<!-- benchmark, {name}: begin;", f"<!-- benchmark, {name}: end -->"


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
