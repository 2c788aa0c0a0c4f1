"""Where a run stands: the play, the tasks in progress, what each host does and since when."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from herder.events import (
    Event,
    HostTaskFinished,
    HostTaskStarted,
    ItemFinished,
    Outcome,
    PlayStarted,
    TaskLabel,
    TaskRetried,
    TaskStarted,
)

_LOST = frozenset({Outcome.FAILED, Outcome.UNREACHABLE})


@dataclass(slots=True)
class Running:
    """What one host is doing; `note` says how far it is in a loop or in its attempts."""

    host: str
    task: TaskLabel
    since: float
    items: int = 0
    note: str = ""


@dataclass(slots=True)
class TaskTally:
    """How one task stands over all hosts."""

    task: TaskLabel
    number: int
    started: float
    hosts: int
    running: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)

    @property
    def done(self) -> int:
        return sum(self.outcomes.values())

    @property
    def waiting(self) -> int:
        """How many hosts have not begun it."""
        expected = 1 if self.task.run_once else self.hosts
        return max(expected - self.done - self.running, 0)


class RunProgress:
    """Feeds on events and keeps what the live view shows; no terminal, no clock."""

    def __init__(self, started: float) -> None:
        self.started = started
        self.play: PlayStarted | None = None
        self.changed_hosts: set[str] = set()
        self.lost_hosts: set[str] = set()
        self.task_number = 0
        self.running: dict[str, Running] = {}
        self._tallies: dict[str, TaskTally] = {}
        self._current: TaskTally | None = None
        self._alive: set[str] = set()

    def feed(self, event: Event, now: float) -> None:
        if isinstance(event, HostTaskStarted):
            self._host_started(event, now)
        elif isinstance(event, HostTaskFinished):
            self._host_finished(event, now)
        elif isinstance(event, ItemFinished):
            self._item_finished(event)
        elif isinstance(event, TaskStarted):
            self._task_started(event.task, now)
        elif isinstance(event, TaskRetried):
            self._retried(event)
        elif isinstance(event, PlayStarted):
            self._play_started(event)

    def current_task(self) -> TaskTally | None:
        """Give the task that most hosts are at, the latest one where nobody is at any."""
        busiest = max(
            self._tallies.values(), key=lambda tally: (tally.running, tally.number), default=None
        )
        return busiest if busiest is not None and busiest.running else self._current

    def tasks_in_progress(self) -> int:
        return sum(tally.running > 0 for tally in self._tallies.values())

    def slowest(self) -> list[Running]:
        """Give what runs, longest first."""
        return sorted(self.running.values(), key=lambda running: running.since)

    def _play_started(self, event: PlayStarted) -> None:
        self.play = event
        self.running.clear()
        self._tallies.clear()
        self._current = None
        self._alive = set(event.hosts)

    def _task_started(self, task: TaskLabel, now: float) -> None:
        if task.id in self._tallies:
            return
        self._forget_finished()
        self.task_number += 1
        self._current = TaskTally(task, self.task_number, now, len(self._alive))
        self._tallies[task.id] = self._current

    def _tally(self, task: TaskLabel, now: float) -> TaskTally:
        if task.id not in self._tallies:
            self._task_started(task, now)
        return self._tallies[task.id]

    def _forget_finished(self) -> None:
        if len(self._tallies) > 100:
            kept = {id: tally for id, tally in self._tallies.items() if tally.running}
            self._tallies = kept

    def _host_started(self, event: HostTaskStarted, now: float) -> None:
        self._drop(event.host)
        if event.host in self.lost_hosts:
            # It goes on after its failure, so a rescue caught it.
            self.lost_hosts.discard(event.host)
            self._alive.add(event.host)
        self.running[event.host] = Running(event.host, event.task, now)
        self._tally(event.task, now).running += 1

    def _host_finished(self, event: HostTaskFinished, now: float) -> None:
        self._drop(event.host)
        self._tally(event.task, now).outcomes[event.outcome] += 1
        if event.outcome is Outcome.CHANGED:
            self.changed_hosts.add(event.host)
        elif event.outcome in _LOST:
            self.lost_hosts.add(event.host)
            self._alive.discard(event.host)

    def _drop(self, host: str) -> None:
        running = self.running.pop(host, None)
        if running is not None and running.task.id in self._tallies:
            self._tallies[running.task.id].running -= 1

    def _item_finished(self, event: ItemFinished) -> None:
        running = self.running.get(event.host)
        if running is not None:
            running.items += 1
            running.note = f"{running.items} of its items done"

    def _retried(self, event: TaskRetried) -> None:
        running = self.running.get(event.host)
        if running is not None:
            running.note = f"attempt {event.attempt} failed, {event.attempts_left} left"
