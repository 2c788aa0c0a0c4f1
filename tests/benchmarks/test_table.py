"""The table of a report, and the page that shows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.peers import peers
from benchmarks.results import Report
from benchmarks.table import put_into, table

PAGE = """\
# Fast
<!-- benchmark numbers: begin; made by a command -->
old
<!-- benchmark numbers: end -->
more
"""
MACHINE = dict.fromkeys(("cores", "processor", "servers", "system", "load"), "x")


def _report() -> Report:
    found = {
        "herder": {"median": 2.0, "processor_median": 4.0},
        "mitogen": {"median": 11.0, "processor_median": 12.0},
        "ansible": {"problem": "broken"},
    }
    row = {"name": "one", "title": "one host", "hosts": 1, "peers": found}
    return Report(MACHINE, {"herder": "x"}, "today", [row])


def test_a_cell_tells_how_many_times_longer_a_peer_took() -> None:
    """A run that failed is named so and has no ratio."""
    lines = table(_report(), list(peers().values())).splitlines()
    assert lines[2] == "| one host | **2.00 s** | 11.0 s (5.5x) | failed |"
    assert "12.0 s (3.0x)" in lines[8]


def test_the_page_keeps_what_is_around_the_table(tmp_path: Path) -> None:
    """A second time replaces the first."""
    page = tmp_path / "README.md"
    page.write_text(PAGE)
    for text in ("first", "second"):
        put_into(page, text)
    assert page.read_text() == PAGE.replace("old", "second")


def test_a_page_without_marks_is_refused(tmp_path: Path) -> None:
    """Nothing is put at a place that nobody chose."""
    page = tmp_path / "README.md"
    page.write_text("# Fast\n")
    with pytest.raises(ValueError, match="benchmark numbers"):
        put_into(page, "table")
    assert page.read_text() == "# Fast\n"
