"""What goes into the scroll-back, as data: `task_log` decides it, `prose` draws it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from herder.display.result_fields import Field
from herder.events import MessageKind, Outcome, TaskLabel


@dataclass(frozen=True, slots=True)
class PlayHeading:
    """A play, or one batch of it, begins."""

    name: str
    hosts: tuple[str, ...]
    check_mode: bool = False
    batch: int = 0
    batches: int = 0


@dataclass(frozen=True, slots=True)
class QuietTasks:
    """Tasks in a row that changed nothing and said nothing; `name` is that of a single one."""

    ok: int
    skipped: int
    seconds: float
    name: str = ""


@dataclass(frozen=True, slots=True)
class HostGroup:
    """Hosts on which the same happened; `items` are the labels of a loop that changed."""

    hosts: tuple[str, ...]
    items: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TaskChanged:
    """A task changed something; the hosts that ended the same way stand together.

    `is_everywhere` says that no host of the play was left unchanged.
    """

    task: TaskLabel
    groups: tuple[HostGroup, ...]
    seconds: float
    is_everywhere: bool = False


@dataclass(frozen=True, slots=True)
class ResultShown:
    """A result in full: what `debug` says, or any result when verbose."""

    task: TaskLabel
    outcome: Outcome
    hosts: tuple[str, ...]
    fields: tuple[Field, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class DiffShown:
    """The same diff from some hosts."""

    task: TaskLabel
    hosts: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class FailureShown:
    """A failure in full: what, where, why, and what to try; `item` is '' outside a loop."""

    task: TaskLabel
    outcome: Outcome
    host: str
    item: str
    fields: tuple[Field, ...]
    advice: str


@dataclass(frozen=True, slots=True)
class FailureRepeated:
    """Hosts that failed just as `first` did."""

    task: TaskLabel
    outcome: Outcome
    first: str
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MessageLine:
    """A warning, an error or another line; `hosts` is empty when it is about none of them."""

    kind: MessageKind
    text: str
    hosts: tuple[str, ...] = ()


Paragraph: TypeAlias = (
    PlayHeading
    | QuietTasks
    | TaskChanged
    | ResultShown
    | DiffShown
    | FailureShown
    | FailureRepeated
    | MessageLine
)
