"""One run while it is written down; a sink of its events.

Rows wait in memory and are written once a second, in one transaction. Whatever goes wrong with
the disk is one warning: the run goes on without being recorded.

Ctrl-C may come at any moment: between a commit and the forgetting of what it wrote, or while
another thread still tells an event as `close` writes the rest. So writing is under a lock, and
writing a row twice is the same as once.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from herder.events import (
    Event,
    HostTaskFinished,
    HostTotals,
    MessageShown,
    PlaybookFinished,
    PlayStarted,
    TaskLabel,
    TaskStarted,
)
from herder.record.database import RecordError, is_held, open_database, transaction
from herder.record.kept_text import as_storable, kept_command, kept_result

WRITE_SECONDS = 1.0
WRITE_ROWS = 1000
# While another run holds the lock, ours keeps its rows; beyond this many it gives up.
WAITING_ROWS_MAX = 100_000
LOCK_SECONDS = 0.1
LAST_LOCK_SECONDS = 5.0
RUNNING_SECONDS_MAX = 7 * 24 * 3600

_INSERTS = {
    "plays": "INSERT OR REPLACE INTO plays VALUES (?, ?, ?, ?, ?, ?, ?)",
    "tasks": "INSERT OR REPLACE INTO tasks VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    "results": "INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    "messages": "INSERT OR REPLACE INTO messages VALUES (?, ?, ?, ?, ?)",
    "totals": "INSERT OR REPLACE INTO totals VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
}


@dataclass(frozen=True, slots=True)
class RunHeading:
    """What is known of a run before its first event; `playbook` is a path or ''."""

    command: tuple[str, ...]
    playbook: str
    user: str
    controller: str


@dataclass(frozen=True, slots=True)
class RecordLimits:
    """How much is kept."""

    runs: int = 100
    result_bytes: int = 64 * 1024
    message_characters: int = 16 * 1024


@dataclass(frozen=True, slots=True)
class RecordClocks:
    """`now` is the run's monotonic clock; `today` gives seconds since 1970."""

    now: Callable[[], float]
    today: Callable[[], float]


class RunRecord:
    """Keeps one run in the record of `directory`; an EventSink.

    `warn` is told once when the record cannot be written. *Then*: `finish` with the exit code,
    and `close`, which writes the rest and removes the oldest runs beyond the limit.
    """

    def __init__(
        self,
        directory: Path,
        heading: RunHeading,
        clocks: RecordClocks,
        *,
        warn: Callable[[str], None],
        limits: RecordLimits | None = None,
    ) -> None:
        self._clocks = clocks
        self._warn = warn
        self._limits = limits or RecordLimits()
        self._started = clocks.now()
        self._rows: dict[str, list[tuple[object, ...]]] = {name: [] for name in _INSERTS}
        self._last_write = self._started
        self._plays = 0
        self._tasks: dict[str, int] = {}
        self._numbers = 0
        self._task_count = 0
        self._hosts: set[str] = set()
        self._exit_code: int | None = None
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.RLock()
        self.run_id: int | None = None
        self._begin(directory, heading)

    def tell(self, event: Event) -> None:
        with self._lock:
            if self._connection is not None:
                self._take(event)

    def _take(self, event: Event) -> None:
        second = self._clocks.now() - self._started
        if isinstance(event, HostTaskFinished):
            self._add_result(event, second)
        elif isinstance(event, TaskStarted):
            self._task_number(event.task, second)
        elif isinstance(event, PlayStarted):
            self._add_play(event, second)
        elif isinstance(event, MessageShown):
            self._add_message(event, second)
        elif isinstance(event, PlaybookFinished):
            for totals in event.totals:
                self._add_totals(totals)
        self._write_when_due()

    def finish(self, exit_code: int) -> None:
        """Say how the run ended; written by `close`."""
        self._exit_code = exit_code

    def close(self) -> None:
        """Write the rest; safe to call twice."""
        with self._lock:
            connection = self._connection
            if connection is None:
                return
            self._write(LAST_LOCK_SECONDS, is_last=True)
            self._connection = None
            connection.close()

    def _begin(self, directory: Path, heading: RunHeading) -> None:
        try:
            self._connection = open_database(directory, wait_seconds=LAST_LOCK_SECONDS)
            cursor = self._connection.execute(
                "INSERT INTO runs (started, command, playbook, user, controller)"
                " VALUES (?, ?, ?, ?, ?)",
                (
                    self._clocks.today(),
                    kept_command(heading.command),
                    heading.playbook,
                    heading.user,
                    heading.controller,
                ),
            )
            # Moving pages into the main file waits for the disk: once, at the end.
            self._connection.execute("PRAGMA wal_autocheckpoint = 0")
        except (sqlite3.Error, OSError, RecordError) as error:
            self._give_up(error)
        else:
            self.run_id = cursor.lastrowid

    def _give_up(self, error: Exception) -> None:
        self._warn(f"this run is not recorded: {error}")
        connection, self._connection = self._connection, None
        self._rows.clear()
        if connection is not None:
            connection.close()

    def _add(self, table: str, *values: object) -> None:
        storable = (as_storable(value) if isinstance(value, str) else value for value in values)
        self._rows[table].append((self.run_id, *storable))

    def _next_number(self) -> int:
        self._numbers += 1
        return self._numbers

    def _add_play(self, event: PlayStarted, second: float) -> None:
        self._plays += 1
        self._tasks.clear()
        self._hosts.update(event.hosts)
        hosts = json.dumps(event.hosts)
        self._add("plays", self._plays, event.name, hosts, event.check_mode, event.batch, second)

    def _task_number(self, task: TaskLabel, second: float) -> int:
        number = self._tasks.get(task.id)
        if number is None:
            self._task_count += 1
            number = self._tasks[task.id] = self._task_count
            label = (task.name, task.action, task.path, task.is_handler)
            self._add("tasks", number, self._plays, *label, second)
        return number

    def _add_result(self, event: HostTaskFinished, second: float) -> None:
        begun = max(second - event.seconds, 0.0)
        task = self._task_number(event.task, begun)
        self._add(
            "results",
            self._next_number(),
            task,
            event.host,
            event.outcome.value,
            begun,
            event.seconds,
            kept_result(event.result, self._limits.result_bytes),
        )

    def _add_message(self, event: MessageShown, second: float) -> None:
        text = event.text[: self._limits.message_characters]
        self._add("messages", self._next_number(), second, event.kind.value, text)

    def _add_totals(self, totals: HostTotals) -> None:
        self._add(
            "totals",
            totals.host,
            totals.ok,
            totals.changed,
            totals.unreachable,
            totals.failed,
            totals.skipped,
            totals.rescued,
            totals.ignored,
        )

    def _write_when_due(self) -> None:
        waiting = len(self._rows["results"]) + len(self._rows["messages"])
        if waiting >= WRITE_ROWS or self._clocks.now() - self._last_write >= WRITE_SECONDS:
            self._write(LOCK_SECONDS)

    def _write(self, lock_seconds: float, *, is_last: bool = False) -> None:
        connection = self._connection
        if connection is None:
            return
        self._last_write = self._clocks.now()
        try:
            connection.execute(f"PRAGMA busy_timeout = {int(lock_seconds * 1000)}")
            with transaction(connection):
                self._write_rows(connection, is_last=is_last)
        except sqlite3.Error as error:
            if not self._may_wait(error, is_last=is_last):
                self._give_up(error)
            return
        for rows in self._rows.values():
            rows.clear()

    def _may_wait(self, error: sqlite3.Error, *, is_last: bool) -> bool:
        waiting = sum(map(len, self._rows.values()))
        return is_held(error) and not is_last and waiting < WAITING_ROWS_MAX

    def _write_rows(self, connection: sqlite3.Connection, *, is_last: bool) -> None:
        for table, rows in self._rows.items():
            if rows:
                connection.executemany(_INSERTS[table], rows)
        connection.execute(
            "UPDATE runs SET seconds = ?, hosts = ?, is_finished = ?, exit_code = ? WHERE id = ?",
            (
                self._clocks.now() - self._started,
                len(self._hosts),
                is_last,
                self._exit_code,
                self.run_id,
            ),
        )
        if is_last:
            connection.execute(
                "DELETE FROM runs WHERE id NOT IN (SELECT id FROM runs ORDER BY id DESC LIMIT ?)"
                # A run that has not ended may still be writing; one that never will is removed.
                " AND (is_finished OR started < ?)",
                (self._limits.runs, self._clocks.today() - RUNNING_SECONDS_MAX),
            )
