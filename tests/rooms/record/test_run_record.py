"""A run while it is written down."""

from __future__ import annotations

import multiprocessing
import sqlite3
import threading
from pathlib import Path

import pytest

from herder.events import HostTaskFinished, Outcome, PlayStarted, TaskLabel
from herder.record.database import FILE_NAME, MIGRATIONS, open_database
from herder.record.run_record import RecordLimits, RunRecord
from tests.rooms.record.conftest import Ask
from tests.support.hand_clock import HandClock
from tests.support.kept_runs import keep_run, open_record
from tests.support.scenarios import large, small

TASK = TaskLabel("1", "Write", "copy", "site.yml:3")


def keep_many(directory: Path, count: int) -> None:
    for _ in range(count):
        keep_run(directory, large(20))


def test_a_run_is_kept_with_its_numbers(tmp_path: Path, ask: Ask) -> None:
    """Who ran what, when, on how many hosts, and how it ended."""
    run_id = keep_run(tmp_path, small(), exit_code=2)

    summary = ask().summary(run_id)
    assert (summary.playbook, summary.user, summary.controller) == (
        "/srv/site.yml",
        "ann",
        "laptop",
    )
    assert (summary.hosts, summary.changed, summary.failed, summary.unreachable) == (4, 3, 1, 1)
    assert (summary.exit_code, summary.is_finished) == (2, True)
    assert summary.seconds == pytest.approx(18.0, abs=1.0)


def test_rows_are_written_once_a_second(tmp_path: Path, ask: Ask) -> None:
    """A write an event would make the record slower than the run."""
    clock = HandClock()
    record = open_record(tmp_path, clock)
    record.tell(PlayStarted("Web", ("web1",)))
    for _ in range(5):
        record.tell(HostTaskFinished("web1", TASK, Outcome.OK, 0.1, {}))
    assert record.run_id is not None
    before = len(ask().spans(record.run_id))

    clock.move(1.0)
    record.tell(HostTaskFinished("web1", TASK, Outcome.OK, 0.1, {}))

    assert before == 0
    assert len(ask().spans(record.run_id)) == 6
    record.close()


def test_a_run_that_never_ended_is_still_there(tmp_path: Path, ask: Ask) -> None:
    """After kill -9 one wants to see how far it came."""
    record = open_record(tmp_path, HandClock())

    (summary,) = ask().runs(10)

    assert (summary.is_finished, summary.exit_code) == (False, None)
    record.close()


def test_only_the_latest_runs_are_kept(tmp_path: Path, ask: Ask) -> None:
    """A record that only grows fills a disk one day."""
    for _ in range(5):
        last = keep_run(tmp_path, small(), limits=RecordLimits(runs=3))

    history = ask()
    assert [run.id for run in history.runs(10)] == [last, last - 1, last - 2]
    assert history.spans(last - 3) == []


def test_the_record_is_private(tmp_path: Path) -> None:
    """Results may hold what a playbook printed."""
    keep_run(tmp_path / "state", small())

    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "state" / FILE_NAME).stat().st_mode & 0o777 == 0o600


def test_a_record_that_another_run_is_making_is_waited_for(tmp_path: Path) -> None:
    """Two first runs at the same moment: sqlite changes its journal's mode without waiting."""
    maker = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None, check_same_thread=False)
    maker.execute("CREATE TABLE half (made)")
    maker.execute("BEGIN IMMEDIATE")
    later = threading.Timer(0.3, maker.execute, ["ROLLBACK"])
    later.start()

    connection = open_database(tmp_path, wait_seconds=5.0)

    later.join()
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()
    maker.close()


def test_two_runs_may_write_at_once(tmp_path: Path, ask: Ask) -> None:
    """Two operators, or a timer and an operator, share one record."""
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=keep_many, args=(tmp_path, 8)) for _ in range(2)]

    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(15)

    runs = ask().runs(100)
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert len(runs) == 16
    assert all(run.is_finished and run.hosts == 20 for run in runs)


def test_rows_wait_while_another_run_holds_the_lock(tmp_path: Path, ask: Ask) -> None:
    """A lock that is held for a moment must cost neither rows nor the run's time."""
    clock = HandClock()
    warnings: list[str] = []
    record = open_record(tmp_path, clock, warn=warnings.append)
    other = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    clock.move(2)
    record.tell(HostTaskFinished("web1", TASK, Outcome.OK, 0.1, {}))
    other.execute("ROLLBACK")
    other.close()
    record.close()

    assert warnings == []
    assert record.run_id is not None
    assert len(ask().spans(record.run_id)) == 1


def test_an_unusable_directory_is_one_warning(tmp_path: Path) -> None:
    """A deployment must not fail because nobody can write down that it succeeds."""
    (tmp_path / "state").write_text("a file stands here")
    warnings: list[str] = []

    record = open_record(tmp_path / "state", HandClock(), warn=warnings.append)
    for timed in small():
        record.tell(timed.event)
    record.finish(0)
    record.close()

    assert len(warnings) == 1
    assert warnings[0].startswith("this run is not recorded: ")


def test_a_full_disk_is_one_warning(tmp_path: Path) -> None:
    """The same, when the disk fills up half-way."""
    clock = HandClock()
    warnings: list[str] = []
    record = open_record(tmp_path, clock, warn=warnings.append)
    assert record._connection is not None
    record._connection.execute("PRAGMA max_page_count = 20")

    for timed in large(300):
        clock.seconds = timed.second
        record.tell(timed.event)
    record.close()

    assert warnings == ["this run is not recorded: database or disk is full"]


def test_a_record_of_a_newer_herder_is_left_alone(tmp_path: Path) -> None:
    """Writing into a schema one does not know would break it."""
    keep_run(tmp_path, small())
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    warnings: list[str] = []

    open_record(tmp_path, HandClock(), warn=warnings.append).close()

    assert "this Herder knows up to" in warnings[0]


def test_half_characters_from_a_host_are_kept_as_question_marks(tmp_path: Path, ask: Ask) -> None:
    """SQLite takes no half characters; the run must not end for one."""
    record = open_record(tmp_path, HandClock())
    record.tell(PlayStarted("bad \udcff name", ("web1",)))
    record.tell(HostTaskFinished("web1", TASK, Outcome.OK, 0.1, {"stdout": "\udcff"}))

    record.close()

    assert record.run_id is not None
    assert [task.play for task in ask().tasks(record.run_id)] == ["bad ? name"]


def test_a_run_that_ends_while_events_still_come_is_kept(tmp_path: Path) -> None:
    """Ctrl-C lets the main thread end the record while another one tells of results."""
    warnings: list[str] = []
    for _ in range(20):
        record = open_record(tmp_path, RacingClock(), warn=warnings.append)
        tellers = [threading.Thread(target=_tell_all, args=(record,)) for _ in range(3)]
        for teller in tellers:
            teller.start()
        record.close()
        for teller in tellers:
            teller.join()

    assert warnings == []


def test_rows_that_were_written_already_may_be_written_again(tmp_path: Path, ask: Ask) -> None:
    """Ctrl-C may come after the commit and before what was written is forgotten."""
    warnings: list[str] = []
    record = open_record(tmp_path, HandClock(), warn=warnings.append)
    record.tell(PlayStarted("Web", ("web1",)))
    record.tell(HostTaskFinished("web1", TASK, Outcome.OK, 0.1, {}))
    waiting = {table: list(rows) for table, rows in record._rows.items()}
    record._write(0.1)
    record._rows.update(waiting)

    record.close()

    assert warnings == []
    assert record.run_id is not None
    assert len(ask().spans(record.run_id)) == 1


class RacingClock(HandClock):
    """A clock on which every look finds a second gone, so every event is written."""

    def __call__(self) -> float:
        self.move(1.0)
        return super().__call__()


def _tell_all(record: RunRecord) -> None:
    for number in range(10):
        record.tell(PlayStarted(f"Web {number}", ("web1",)))
        record.tell(HostTaskFinished("web1", TASK, Outcome.OK, 0.1, {}))
