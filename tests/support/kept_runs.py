"""Made-up runs written into a record."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from herder.record.run_record import RecordClocks, RecordLimits, RunHeading, RunRecord
from tests.support.hand_clock import HandClock
from tests.support.scenarios import Timed

STARTED = 1_767_268_800.0


def heading(playbook: str = "/srv/site.yml", *words: str) -> RunHeading:
    return RunHeading(
        ("herder", "playbook", playbook, *words), playbook, user="ann", controller="laptop"
    )


def open_record(
    directory: Path,
    clock: HandClock,
    *,
    playbook: str = "/srv/site.yml",
    limits: RecordLimits | None = None,
    warn: Callable[[str], None] = print,
) -> RunRecord:
    clocks = RecordClocks(clock, lambda: STARTED)
    return RunRecord(directory, heading(playbook), clocks, warn=warn, limits=limits)


def keep_run(
    directory: Path,
    run: list[Timed],
    *,
    playbook: str = "/srv/site.yml",
    exit_code: int = 0,
    limits: RecordLimits | None = None,
) -> int:
    """Write a whole run down and give its number."""
    clock = HandClock()
    record = open_record(directory, clock, playbook=playbook, limits=limits)
    for timed in run:
        clock.seconds = timed.second
        record.tell(timed.event)
    record.finish(exit_code)
    record.close()
    assert record.run_id is not None
    return record.run_id
