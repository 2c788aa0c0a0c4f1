"""The table of a report, and the page that shows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.peers import peers
from benchmarks.results import Report
from benchmarks.table import put_into, tables

PAGE = """\
# Fast
<!-- benchmark, seconds: begin; made by a command -->
old
<!-- benchmark, seconds: end -->
more
<!-- benchmark, processor seconds: begin; made by a command -->
older
<!-- benchmark, processor seconds: end -->
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
    found = tables(_report(), list(peers().values()))
    line = found["seconds"].splitlines()[2]
    assert line == "| one host | **2.00 s** | 11.0 s (5.5x) | failed |"
    assert "12.0 s (3.0x)" in found["processor seconds"]


def test_the_page_keeps_what_is_around_the_table(tmp_path: Path) -> None:
    """A second time replaces the first."""
    page = tmp_path / "README.md"
    page.write_text(PAGE)
    for text in ("first", "second"):
        put_into(page, {"seconds": text, "processor seconds": f"{text} too"})
    assert page.read_text() == PAGE.replace("older", "second too").replace("old", "second")


def test_a_page_gets_the_tables_that_it_has_marks_for(tmp_path: Path) -> None:
    """The page of results has one, the first page of the project the other."""
    page = tmp_path / "README.md"
    page.write_text(PAGE.partition("<!-- benchmark, processor")[0])
    put_into(page, {"seconds": "new", "processor seconds": "not here"})
    assert "new" in page.read_text()
    assert "not here" not in page.read_text()


def test_a_page_without_marks_is_refused(tmp_path: Path) -> None:
    """Nothing is put at a place that nobody chose."""
    page = tmp_path / "README.md"
    page.write_text("# Fast\n")
    with pytest.raises(ValueError, match="benchmark, seconds: begin"):
        put_into(page, {"seconds": "table"})
    assert page.read_text() == "# Fast\n"
