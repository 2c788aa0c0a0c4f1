"""What the record answers: past runs, their tasks and results, as frozen dataclasses."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePath

from herder.events import HostTotals, Outcome

LOST = frozenset({Outcome.FAILED, Outcome.UNREACHABLE})


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One line of the list of runs.

    `started` is seconds since 1970; `exit_code` is None for a run that did not end by itself.
    The last four count hosts.
    """

    id: int
    started: float
    seconds: float
    is_finished: bool
    exit_code: int | None
    command: str
    playbook: str
    user: str
    controller: str
    hosts: int
    changed: int = 0
    failed: int = 0
    unreachable: int = 0

    @property
    def short_name(self) -> str:
        """Give the playbook's name; 'none' when the command named no file that was there."""
        without = "ad hoc" if self.command.startswith("herder run") else "none"
        return PurePath(self.playbook).name or without


@dataclass(frozen=True, slots=True)
class TaskTime:
    """How long a task took: `seconds` from its first start to its last end over all hosts.

    `slowest_host` took `slowest_seconds`; `median_seconds` is over the hosts.
    """

    number: int
    play: str
    name: str
    path: str
    seconds: float
    median_seconds: float
    slowest_host: str
    slowest_seconds: float
    hosts: int
    outcomes: dict[Outcome, int] = field(hash=False)


@dataclass(frozen=True, slots=True)
class Span:
    """One task on one host; `second` is its start since the run's."""

    number: int
    task: int
    name: str
    path: str
    host: str
    outcome: Outcome
    second: float
    seconds: float

    @property
    def end(self) -> float:
        return self.second + self.seconds


@dataclass(frozen=True, slots=True)
class Failure:
    """A host that failed a task; `result` is JSON as it was kept."""

    host: str
    task: str
    path: str
    outcome: Outcome
    result: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeptMessage:
    """A warning, error or other line of the run."""

    second: float
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class RunDetail:
    """All of one run but its single results."""

    summary: RunSummary
    tasks: tuple[TaskTime, ...]
    totals: tuple[HostTotals, ...]
    failures: tuple[Failure, ...]
    messages: tuple[KeptMessage, ...]


@dataclass(frozen=True, slots=True)
class Forecast:
    """How long a playbook will take, from `runs` past ones."""

    seconds: float
    fastest_seconds: float
    slowest_seconds: float
    runs: int


@dataclass(frozen=True, slots=True)
class TaskCompared:
    """A task in two runs; None where a run did not have it."""

    play: str
    name: str
    before: TaskTime | None
    after: TaskTime | None

    @property
    def difference_seconds(self) -> float:
        before = self.before.seconds if self.before else 0.0
        after = self.after.seconds if self.after else 0.0
        return after - before
