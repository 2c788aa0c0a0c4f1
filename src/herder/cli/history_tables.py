"""Rows of the record as tables to print."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from herder.display.duration import duration
from herder.display.host_list import fold_hosts
from herder.display.table import Column, Row, Table, Tone
from herder.errors import INTERRUPTED
from herder.events import HostTotals
from herder.model.host_order import natural_key
from herder.record.rows import Failure, RunSummary, Span, TaskCompared, TaskTime

_SECONDS = Column("seconds", is_number=True)
# A change below both is the weather on the network.
NOTABLE_SECONDS = 0.5
NOTABLE_SHARE = 0.25


def runs_table(runs: Sequence[RunSummary]) -> Table:
    """List runs, one a row."""
    columns = (
        Column("run", is_number=True),
        Column("started", is_whole=True),
        Column("playbook"),
        Column("hosts", is_number=True, is_optional=True),
        Column("changed", is_number=True, is_optional=True),
        Column("failed", is_number=True, is_optional=True),
        Column("took", is_number=True),
        Column("ended", is_whole=True),
        Column("by", is_optional=True),
    )
    return Table("", columns, tuple(_run_row(run) for run in runs))


def _run_row(run: RunSummary) -> Row:
    lost = run.failed + run.unreachable
    tone = Tone.BAD if lost or run.exit_code or not run.is_finished else Tone.PLAIN
    return Row(
        (
            str(run.id),
            f"{datetime.fromtimestamp(run.started).astimezone():%Y-%m-%d %H:%M}",
            run.short_name,
            str(run.hosts),
            str(run.changed),
            str(lost),
            duration(run.seconds),
            _ending(run),
            run.user,
        ),
        tone,
    )


def _ending(run: RunSummary) -> str:
    if not run.is_finished:
        return "not ended"
    if run.exit_code == INTERRUPTED:
        return "interrupted"
    return "well" if run.exit_code == 0 else f"exit {run.exit_code}"


def failures_table(failures: Sequence[Failure]) -> Table:
    """List failures with the first line of their message."""
    rows = tuple(
        Row((failure.host, failure.task, failure.path, _message(failure)), Tone.BAD)
        for failure in failures
    )
    columns = (Column("host"), Column("task"), Column("at"), Column("message", is_prose=True))
    return Table("Failures", columns, rows)


def _message(failure: Failure) -> str:
    try:
        result = json.loads(failure.result)
    except ValueError:
        return ""
    text = result.get("msg", "") if isinstance(result, dict) else ""
    return str(text).strip().partition("\n")[0]


def slowest_table(tasks: Sequence[TaskTime]) -> Table:
    """List tasks with their time over all hosts and the host that took longest."""
    columns = (
        Column("task"),
        _SECONDS,
        Column("median", is_number=True),
        Column("slowest host"),
        _SECONDS,
    )
    rows = tuple(
        Row(
            (
                task.name,
                f"{task.seconds:.1f}",
                f"{task.median_seconds:.1f}",
                task.slowest_host,
                f"{task.slowest_seconds:.1f}",
            )
        )
        for task in tasks
    )
    return Table("Slowest tasks", columns, rows)


def path_table(path: Sequence[Span]) -> Table:
    """List what the run waited for, leaving out what was too short to matter."""
    total = sum(span.seconds for span in path)
    rows = tuple(
        Row((f"{span.second:.1f}", span.name, span.host, f"{span.seconds:.1f}"))
        for span in path
        if span.seconds >= total / 100
    )
    columns = (Column("at", is_number=True), Column("task"), Column("waited for"), _SECONDS)
    return Table("Critical path", columns, rows)


def recap_table(totals: Sequence[HostTotals]) -> Table:
    """Give the recap; equal hosts stand together."""
    names = ("ok", "changed", "unreachable", "failed", "skipped", "rescued", "ignored")
    groups: dict[tuple[int, ...], list[str]] = {}
    for each in sorted(totals, key=lambda each: natural_key(each.host)):
        numbers = tuple(getattr(each, name) for name in names)
        groups.setdefault(numbers, []).append(each.host)
    rows = tuple(
        Row(
            (fold_hosts(hosts, 40), *(str(number) for number in numbers)),
            Tone.BAD if numbers[2] or numbers[3] else Tone.PLAIN,
        )
        for numbers, hosts in groups.items()
    )
    columns = (Column("hosts"), *(Column(name, is_number=True) for name in names))
    return Table("Recap", columns, rows)


def comparison_table(compared: Sequence[TaskCompared], before: int, after: int) -> Table:
    """Put two runs side by side; what became notably slower or faster stands out."""
    columns = (
        Column("task"),
        Column(f"run {before}", is_number=True),
        Column(f"run {after}", is_number=True),
        Column("difference", is_number=True),
    )
    rows = tuple(
        Row(
            (task.name, _seconds(task.before), _seconds(task.after), _difference(task)),
            _compared_tone(task),
        )
        for task in compared
    )
    total = sum(task.difference_seconds for task in compared)
    return Table("", columns, rows, (f"{total:+.1f} s over all tasks",))


def _seconds(task: TaskTime | None) -> str:
    return f"{task.seconds:.1f}" if task else "none"


def _difference(task: TaskCompared) -> str:
    return f"{task.difference_seconds:+.1f}"


def _compared_tone(task: TaskCompared) -> Tone:
    if task.before is None or task.after is None:
        return Tone.NOTICE
    difference = task.difference_seconds
    if abs(difference) < max(NOTABLE_SECONDS, NOTABLE_SHARE * task.before.seconds):
        return Tone.PLAIN
    return Tone.BAD if difference > 0 else Tone.GOOD
