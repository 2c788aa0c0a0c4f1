"""Questions to the record."""

from __future__ import annotations

from pathlib import Path

import pytest

from herder.events import Outcome
from herder.record.database import FILE_NAME, RecordError
from tests.rooms.record.conftest import Ask
from tests.support.kept_runs import keep_run
from tests.support.scenarios import Step, hosts_named, linear_play, small, with_recap


def keep_steps(directory: Path, steps: list[Step], *, hosts: int = 2, exit_code: int = 0) -> int:
    run = with_recap(list(linear_play("Web", hosts_named("web", hosts), tuple(steps))))
    return keep_run(directory, run, exit_code=exit_code)


def test_no_record_is_an_empty_one(tmp_path: Path, ask: Ask) -> None:
    """The first `herder history` of a user is not an error, and makes no file."""
    history = ask()

    assert history.runs(10) == []
    assert history.forecast("/srv/site.yml") is None
    assert not (tmp_path / FILE_NAME).exists()


def test_runs_are_listed_newest_first_and_by_playbook(tmp_path: Path, ask: Ask) -> None:
    """The latest run is the one asked for."""
    first = keep_run(tmp_path, small(), playbook="/a.yml")
    second = keep_run(tmp_path, small(), playbook="/b.yml")

    history = ask()
    assert [run.id for run in history.runs(10)] == [second, first]
    assert [run.id for run in history.runs(1)] == [second]
    assert [run.id for run in history.runs(10, "/a.yml")] == [first]


def test_a_run_in_detail_has_failures_and_warnings(tmp_path: Path, ask: Ask) -> None:
    """What failed, where, and what was printed about it."""
    run_id = keep_run(tmp_path, small(), exit_code=2)

    detail = ask().detail(run_id)

    assert [(each.host, each.outcome, each.path) for each in detail.failures] == [
        ("web4", Outcome.UNREACHABLE, "site.yml:13"),
        ("web3", Outcome.FAILED, "site.yml:83"),
    ]
    assert "OperationalError" in detail.failures[1].result
    assert [message.text for message in detail.messages] == [
        "Found variable using reserved name: tags"
    ]
    assert len(detail.tasks) == 10


def test_the_slowest_tasks_name_the_host_they_waited_for(tmp_path: Path, ask: Ask) -> None:
    """This is where time can be saved."""
    run_id = keep_run(tmp_path, small())

    slowest = ask().slowest_tasks(run_id, 2)

    assert [task.name for task in slowest] == [
        "app : Wait until the site is healthy",
        "nginx : Install packages",
    ]
    assert (slowest[1].slowest_host, slowest[1].slowest_seconds) == ("web3", 6.0)
    assert slowest[1].outcomes == {Outcome.CHANGED: 3}


def test_the_critical_path_is_as_long_as_the_run(tmp_path: Path, ask: Ask) -> None:
    """What is not on it could be faster without the run becoming faster."""
    run_id = keep_run(tmp_path, small())
    history = ask()

    path = history.critical_path(run_id)

    total = sum(span.seconds for span in path)
    assert total == pytest.approx(history.summary(run_id).seconds, rel=0.01)


def test_a_forecast_is_the_median_of_good_runs_on_as_many_hosts(tmp_path: Path, ask: Ask) -> None:
    """A failed run or one on another fleet says little about the next one."""
    for seconds in (2.0, 4.0, 9.0):
        step = Step("First", slow={"web1": seconds, "web2": seconds})
        keep_steps(tmp_path, [step])
    keep_steps(tmp_path, [Step("First", slow={"web1": 50.0, "web2": 50.0})], exit_code=2)
    keep_steps(tmp_path, [Step("First", slow={"web1": 70.0})], hosts=1)

    forecast = ask().forecast("/srv/site.yml", hosts=2)

    assert forecast is not None
    assert (forecast.seconds, forecast.fastest_seconds, forecast.slowest_seconds) == (4.0, 2.0, 9.0)
    assert forecast.runs == 3


def test_two_runs_are_compared_task_by_task(tmp_path: Path, ask: Ask) -> None:
    """What became slower, what is new, what is gone."""
    same = Step("Same", slow={"web1": 1.0, "web2": 1.0})
    slower = Step("Same", slow={"web1": 3.0, "web2": 1.0})
    before = keep_steps(tmp_path, [same, Step("Gone")])
    after = keep_steps(tmp_path, [Step("New"), slower])

    compared = ask().compare(before, after)

    assert [(task.name, task.before is None, task.after is None) for task in compared] == [
        ("New", True, False),
        ("Same", False, False),
        ("Gone", False, True),
    ]
    assert compared[1].difference_seconds == pytest.approx(2.0)


def test_a_run_that_is_not_there_is_an_error_with_a_way_on(tmp_path: Path, ask: Ask) -> None:
    """The list of runs is one command away."""
    with pytest.raises(RecordError) as caught:
        ask().detail(7)

    assert "no run 7" in str(caught.value)
    assert "herder history" in caught.value.hint


def test_a_file_that_is_no_record_is_an_error(tmp_path: Path, ask: Ask) -> None:
    """Not a traceback of SQLite's."""
    (tmp_path / FILE_NAME).write_text("not a database, but long enough to be read as one" * 50)

    with pytest.raises(RecordError, match="cannot be read"):
        ask()
