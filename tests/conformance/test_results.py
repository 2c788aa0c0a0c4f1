"""Results of targets: what counts, and the file that holds them."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.recaps import Recaps
from conformance.results import Outcome, Report, Result

HEADING = {"engine": "herder", "ansible_core": "2.19.14", "python": "3.11"}
RECAPS: Recaps = [{"web1": {"ok": 2}}]
OTHER: Recaps = [{"web1": {"ok": 3}}]


def passed(recaps: Recaps) -> Result:
    return Result(Outcome.PASSED, 1.5, 0, recaps)


def test_passing_with_another_recap_does_not_count() -> None:
    """Most targets pass with a command that does nothing."""
    assert not passed([]).compared_with(passed(RECAPS)).is_counted


def test_failing_with_the_same_recap_does_not_count() -> None:
    """The target's own verdict comes first."""
    failed = Result(Outcome.FAILED, 1.5, 2, RECAPS)

    assert not failed.compared_with(passed(RECAPS)).is_counted


def test_a_recap_that_stock_showed_in_another_run_counts() -> None:
    """Some targets do not do the same each time; stock is its own measure."""
    stock = passed(OTHER).after(passed(RECAPS))

    assert passed(RECAPS).compared_with(stock).is_counted
    assert passed(OTHER).compared_with(stock).is_counted


def test_a_failed_run_of_stock_leaves_no_variant() -> None:
    """A recap of a run that broke off is no measure."""
    failed = Result(Outcome.FAILED, 1.5, 2, OTHER)

    assert passed(RECAPS).after(failed).variants == []


def test_a_report_reads_back_what_it_wrote(tmp_path: Path) -> None:
    """A long run is stopped and taken up again."""
    file = tmp_path / "results.json"
    result = passed(OTHER).compared_with(passed(RECAPS))

    Report(file, HEADING).put("loops", result)

    assert Report(file, HEADING).results == {"loops": result}


def test_two_runs_may_add_to_one_file(tmp_path: Path) -> None:
    """A long run of stock goes on while single targets are tried."""
    one, other = (Report(tmp_path / "results.json", HEADING) for _ in range(2))

    one.put("loops", passed(RECAPS))
    other.put("tags", passed(OTHER))

    assert set(Report(tmp_path / "results.json", HEADING).results) == {"loops", "tags"}


def test_results_of_another_version_are_not_mixed_in(tmp_path: Path) -> None:
    """A table from two versions would say nothing of either."""
    file = tmp_path / "results.json"
    Report(file, HEADING).put("loops", passed(RECAPS))

    with pytest.raises(ValueError, match=r"expected .*2[.]21[.]5"):
        Report(file, HEADING | {"ansible_core": "2.21.5"})
