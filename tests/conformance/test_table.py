"""The compatibility page: counts a row, and each target that does not count with its reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.results import Outcome, Report, Result
from conformance.table import Column, Reason, page, read_column, read_reasons
from conformance.topics import Topic, read_topics

HEADING = {"engine": "herder", "ansible_core": "2.19.14", "python": "3.11"}
TOPICS = {
    topic.target: topic
    for topic in (
        Topic("loops", "language/loops", ""),
        Topic("tags", "language/tags", ""),
        Topic("apt", "module/packages", ""),
    )
}
GOOD = Result(Outcome.PASSED, 1.0, 0)
BAD = Result(Outcome.FAILED, 1.0, 2)


def test_a_row_counts_those_that_count() -> None:
    """The first thing a reader looks for."""
    text = page([Column(HEADING, {"loops": GOOD, "tags": BAD})], TOPICS, {})

    assert "| topic | 2.19.14, Python 3.11 |" in text
    assert "| language | 1 of 2 |" in text
    assert "| modules | not run |" in text


def test_each_target_that_does_not_count_is_listed_with_its_reason() -> None:
    """A number alone does not tell a user what is lost."""
    reasons = {"tags": Reason(is_refused=True, text="reads the zip of a module")}

    text = page([Column(HEADING, {"tags": BAD, "apt": BAD, "loops": GOOD})], TOPICS, reasons)

    assert "- `tags` (language): refused: reads the zip of a module\n" in text
    assert "- `apt` (modules): failed, not looked at yet\n" in text
    assert "`loops`" not in text


def test_results_of_another_engine_are_refused(tmp_path: Path) -> None:
    """A page of stock's own results would say that all is well."""
    file = tmp_path / "results.json"
    Report(file, HEADING | {"engine": "stock"}).put("loops", GOOD)

    with pytest.raises(SystemExit, match="expected 'herder'"):
        read_column(file, TOPICS)


def test_targets_that_stock_does_not_pass_are_left_out(tmp_path: Path) -> None:
    """What the machine lacks is not Herder's to pass."""
    file = tmp_path / "results.json"
    report = Report(file, HEADING)
    report.put("loops", GOOD)
    report.put("tags", BAD.compared_with(BAD))

    assert set(read_column(file, TOPICS).results) == {"loops"}


def test_reasons_are_for_targets_that_exist() -> None:
    """A reason under a wrong name would be read by nobody."""
    assert set(read_reasons()) <= set(read_topics())


def test_no_more_than_a_dozen_targets_are_refused() -> None:
    """Refusing is for what is private to ansible-core, not for what is hard."""
    assert sum(reason.is_refused for reason in read_reasons().values()) <= 12
