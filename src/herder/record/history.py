"""Questions to the record: which runs, what happened in one, how long will the next one take."""

from __future__ import annotations

import sqlite3
import statistics
from collections import defaultdict
from pathlib import Path
from typing import Any

from herder.events import HostTotals, Outcome
from herder.record.comparison import compare_tasks, task_time
from herder.record.critical_path import critical_path
from herder.record.database import FILE_NAME, RecordError, open_database
from herder.record.rows import (
    LOST,
    Failure,
    Forecast,
    KeptMessage,
    RunDetail,
    RunSummary,
    Span,
    TaskCompared,
    TaskTime,
)

FORECAST_RUNS = 10

_SUMMARY = """
    SELECT id, started, seconds, is_finished, exit_code, command, playbook, user, controller, hosts,
        (SELECT count(*) FROM totals WHERE run = id AND changed > 0),
        (SELECT count(*) FROM totals WHERE run = id AND failed > 0),
        (SELECT count(*) FROM totals WHERE run = id AND unreachable > 0)
    FROM runs
"""


class History:
    """Answers from the record of `directory`; no record is an empty one. *Then*: `close`."""

    def __init__(self, directory: Path) -> None:
        self._connection: sqlite3.Connection | None = None
        if (directory / FILE_NAME).exists():
            try:
                self._connection = open_database(directory)
            except (sqlite3.Error, OSError) as error:
                raise RecordError(
                    f"the record of runs cannot be read: {error}", context=str(directory)
                ) from error

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def runs(self, limit: int, playbook: str | None = None) -> list[RunSummary]:
        """Give the latest runs, newest first; of one playbook's path when it is named."""
        where = "" if playbook is None else "WHERE playbook = ?"
        values = (limit,) if playbook is None else (playbook, limit)
        rows = self._rows(f"{_SUMMARY} {where} ORDER BY id DESC LIMIT ?", *values)
        return [_summary(row) for row in rows]

    def summary(self, run_id: int) -> RunSummary:
        """Give one run. *Raises*: RecordError, when it is not in the record."""
        rows = self._rows(f"{_SUMMARY} WHERE id = ?", run_id)
        if not rows:
            raise RecordError(f"no run {run_id} in the record", hint="herder history lists them")
        return _summary(rows[0])

    def detail(self, run_id: int) -> RunDetail:
        """Give all of a run but its single results. *Raises*: RecordError."""
        return RunDetail(
            self.summary(run_id),
            tuple(self.tasks(run_id)),
            self._totals(run_id),
            self._failures(run_id),
            self._messages(run_id),
        )

    def tasks(self, run_id: int) -> list[TaskTime]:
        """Give the tasks of a run in the order they began."""
        spans: dict[int, list[Span]] = defaultdict(list)
        for span in self.spans(run_id):
            spans[span.task].append(span)
        rows = self._rows(
            "SELECT tasks.number, plays.name, tasks.name, tasks.path FROM tasks"
            " LEFT JOIN plays ON plays.run = tasks.run AND plays.number = tasks.play"
            " WHERE tasks.run = ? ORDER BY tasks.number",
            run_id,
        )
        return [task_time(*row, spans=spans[row[0]]) for row in rows if spans[row[0]]]

    def slowest_tasks(self, run_id: int, limit: int) -> list[TaskTime]:
        """Give the tasks that took longest, slowest first."""
        tasks = sorted(self.tasks(run_id), key=lambda task: -task.seconds)
        return tasks[:limit]

    def spans(self, run_id: int) -> list[Span]:
        """Give every task on every host, in the order they ended."""
        rows = self._rows(
            "SELECT results.number, task, name, path, host, outcome, results.second, seconds"
            " FROM results JOIN tasks ON tasks.run = results.run AND tasks.number = task"
            " WHERE results.run = ? ORDER BY results.number",
            run_id,
        )
        return [
            Span(number, task, name, path, host, Outcome(outcome), second, seconds)
            for number, task, name, path, host, outcome, second, seconds in rows
        ]

    def critical_path(self, run_id: int) -> list[Span]:
        """Give the chain of tasks that made the run as long as it was."""
        return critical_path(self.spans(run_id))

    def result(self, run_id: int, number: int) -> str:
        """Give the JSON kept of one result, '' when there is none."""
        rows = self._rows("SELECT result FROM results WHERE run = ? AND number = ?", run_id, number)
        return str(rows[0][0]) if rows else ""

    def forecast(self, playbook: str, hosts: int | None = None) -> Forecast | None:
        """Give how long a playbook takes: the median of its latest good runs, None without any.

        Runs on as many `hosts` count alone, when there are any.
        """
        good = self._rows(
            "SELECT seconds, hosts FROM runs WHERE playbook = ? AND is_finished AND exit_code = 0"
            " ORDER BY id DESC LIMIT ?",
            playbook,
            5 * FORECAST_RUNS,
        )
        alike = [row for row in good if row[1] == hosts] or good
        seconds = [float(row[0]) for row in alike[:FORECAST_RUNS]]
        if not seconds:
            return None
        return Forecast(statistics.median(seconds), min(seconds), max(seconds), len(seconds))

    def compare(self, before: int, after: int) -> list[TaskCompared]:
        """Give the tasks of two runs side by side. *Raises*: RecordError."""
        self.summary(before)
        self.summary(after)
        return compare_tasks(self.tasks(before), self.tasks(after))

    def _totals(self, run_id: int) -> tuple[HostTotals, ...]:
        rows = self._rows(
            "SELECT host, ok, changed, unreachable, failed, skipped, rescued, ignored"
            " FROM totals WHERE run = ? ORDER BY host",
            run_id,
        )
        return tuple(HostTotals(*row) for row in rows)

    def _failures(self, run_id: int) -> tuple[Failure, ...]:
        rows = self._rows(
            "SELECT host, name, path, outcome, result"
            " FROM results JOIN tasks ON tasks.run = results.run AND tasks.number = task"
            " WHERE results.run = ? AND outcome IN (?, ?) ORDER BY results.number",
            run_id,
            *sorted(outcome.value for outcome in LOST),
        )
        return tuple(
            Failure(host, name, path, Outcome(outcome), result)
            for host, name, path, outcome, result in rows
        )

    def _messages(self, run_id: int) -> tuple[KeptMessage, ...]:
        rows = self._rows(
            "SELECT second, kind, text FROM messages WHERE run = ? ORDER BY number", run_id
        )
        return tuple(KeptMessage(*row) for row in rows)

    def _rows(self, query: str, *values: object) -> list[Any]:
        """Give rows as sqlite3 types them: Any, as JSON's edge is."""
        if self._connection is None:
            return []
        try:
            return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise RecordError(f"the record of runs cannot be read: {error}") from error


def _summary(row: Any) -> RunSummary:
    values = list(row)
    values[3] = bool(values[3])
    return RunSummary(*values)
