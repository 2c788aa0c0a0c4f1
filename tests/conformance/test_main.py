"""Which targets the words of `python -m conformance` name."""

from __future__ import annotations

from pathlib import Path

from conformance.__main__ import _names
from conformance.options import parse
from conformance.results import Report
from conformance.topics import read_topics


def test_all_are_all_that_can_run_here(tmp_path: Path) -> None:
    """A target with the name of a group once stood for the whole group."""
    runnable = {name for name, topic in read_topics().items() if not topic.obstacle}

    named = _names(parse(["--all"]), Report(tmp_path / "results.json", {}))

    assert set(named) == runnable
    assert {"adhoc", "cli"} <= runnable
