"""What can happen in a run, as frozen dataclasses, and the sinks that are told of it.

`language` says what happened; the live terminal, the JSON output, the run record and the report
are sinks. Events hold plain data only, already censored (`no_log`) and untrusted where it came
from a host. Time is seconds on the run's own monotonic clock.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

Facts: TypeAlias = Mapping[str, object]
"""A task result as callbacks see it: keys and values of JSON."""


class Outcome(enum.Enum):
    """How a task ended on one host, or for one loop item."""

    OK = "ok"
    CHANGED = "changed"
    SKIPPED = "skipped"
    FAILED = "failed"
    IGNORED = "ignored"
    UNREACHABLE = "unreachable"


class MessageKind(enum.Enum):
    """Of what kind a line is that ansible-core or Herder shows."""

    NOTE = "note"
    VERBOSE = "verbose"
    WARNING = "warning"
    DEPRECATION = "deprecation"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class TaskLabel:
    """What a person needs to know a task by; `path` is 'file:line' or ''."""

    id: str
    name: str
    action: str
    path: str = ""
    is_handler: bool = False
    run_once: bool = False


@dataclass(frozen=True, slots=True)
class PlaybookStarted:
    """A playbook file begins."""

    path: str


@dataclass(frozen=True, slots=True)
class PlayStarted:
    """A play, or one serial batch of it, begins on these hosts.

    `batch` counts from 1 and `batches` is how many the play has; 0 where nobody said.
    """

    name: str
    hosts: tuple[str, ...]
    check_mode: bool = False
    strategy: str = "linear"
    batch: int = 0
    batches: int = 0


@dataclass(frozen=True, slots=True)
class TaskStarted:
    """A task is given out to hosts for the first time."""

    task: TaskLabel


@dataclass(frozen=True, slots=True)
class HostTaskStarted:
    """One host begins a task."""

    host: str
    task: TaskLabel


@dataclass(frozen=True, slots=True)
class ItemFinished:
    """One item of a loop ended on one host."""

    host: str
    task: TaskLabel
    label: str
    outcome: Outcome
    result: Facts = field(repr=False)


@dataclass(frozen=True, slots=True)
class HostTaskFinished:
    """A task ended on one host; for a loop after its last item."""

    host: str
    task: TaskLabel
    outcome: Outcome
    seconds: float
    result: Facts = field(repr=False)


@dataclass(frozen=True, slots=True)
class TaskRetried:
    """A task with `until` or `retries` is about to be tried again."""

    host: str
    task: TaskLabel
    attempt: int
    attempts_left: int


@dataclass(frozen=True, slots=True)
class FileDiffed:
    """A task in diff mode reported what differs; `text` is a unified diff."""

    host: str
    task: TaskLabel
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class HandlerNotified:
    """A changed task asked for a handler."""

    host: str
    handler: str


@dataclass(frozen=True, slots=True)
class FileIncluded:
    """A tasks file or role was included for some hosts."""

    path: str
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HostsMissing:
    """No host matched the play (`matched` false), or none is left in it (true)."""

    matched: bool


@dataclass(frozen=True, slots=True)
class MessageShown:
    """A warning, error or verbose line that belongs to no task result."""

    kind: MessageKind
    text: str


@dataclass(frozen=True, slots=True)
class HostTotals:
    """One line of the recap."""

    host: str
    ok: int = 0
    changed: int = 0
    unreachable: int = 0
    failed: int = 0
    skipped: int = 0
    rescued: int = 0
    ignored: int = 0


@dataclass(frozen=True, slots=True)
class PlaybookFinished:
    """A playbook file ended; the recap in the order ansible's default callback has it."""

    totals: tuple[HostTotals, ...]
    custom: Facts = field(default_factory=dict)


Event: TypeAlias = (
    PlaybookStarted
    | PlayStarted
    | TaskStarted
    | HostTaskStarted
    | ItemFinished
    | HostTaskFinished
    | TaskRetried
    | FileDiffed
    | HandlerNotified
    | FileIncluded
    | HostsMissing
    | MessageShown
    | PlaybookFinished
)


class EventSink(Protocol):
    """Told of every event, in order, from one thread at a time; it must not block for long."""

    def tell(self, event: Event) -> None: ...

    def close(self) -> None:
        """The run is over; called once, also after a failure or Ctrl-C."""
