"""Which event makes which paragraph of the scroll-back, and when.

A failure is said at once. What hosts have in common is held back and said in one line, when the
task is over: when all hosts of the play reported it, when the next task begins and nobody runs
any more (linear), or when nothing was heard of it for a while (free). Tasks that only say ok or
skipped are counted and said together before the next paragraph. Nothing that was held back is
ever lost: `finish` gives all of it.
"""

from __future__ import annotations

from collections.abc import Iterable

from herder.display.paragraphs import MessageLine, Paragraph, PlayHeading, QuietTasks
from herder.display.plain_text import plain_text
from herder.display.task_board import TaskBoard
from herder.events import (
    Event,
    FileDiffed,
    FileIncluded,
    HostsMissing,
    HostTaskFinished,
    HostTaskStarted,
    ItemFinished,
    MessageKind,
    MessageShown,
    Outcome,
    PlaybookFinished,
    PlaybookStarted,
    PlayStarted,
    TaskLabel,
    TaskStarted,
)
from herder.model.host_order import sort_hosts, without_name

QUIET_SECONDS = 2.0


class TaskLog:
    """Feeds on events, gives paragraphs; knows neither a terminal nor a clock."""

    def __init__(self, verbosity: int = 0) -> None:
        self._verbosity = verbosity
        self._boards: dict[str, TaskBoard] = {}
        self._running: dict[str, str] = {}
        self._alive: set[str] = set()
        self._warned: set[str] = set()
        self._quiet_ok = 0
        self._quiet_skipped = 0
        self._quiet_seconds = 0.0
        self._quiet_name = ""

    def feed(self, event: Event, now: float) -> list[Paragraph]:
        """Take the next event; give the paragraphs that it completes, in order."""
        if isinstance(event, HostTaskStarted):
            self._board(event.task, now).running.add(event.host)
            self._running[event.host] = event.task.id
            return []
        if isinstance(event, HostTaskFinished):
            return self._finished(event, now)
        if isinstance(event, ItemFinished):
            return self._said(self._board(event.task, now).add_item(event))
        return self._feed_rarer(event, now)

    def settle(self, now: float) -> list[Paragraph]:
        """Give the paragraphs of tasks that nobody runs and nobody spoke of for a while."""
        over = [
            board
            for board in self._boards.values()
            if board.reported and not board.running and now - board.last >= QUIET_SECONDS
        ]
        return self._close_boards(over)

    def finish(self) -> list[Paragraph]:
        """Give everything that was held back."""
        return [*self._close_boards(list(self._boards.values())), *self._take_quiet()]

    def _feed_rarer(self, event: Event, now: float) -> list[Paragraph]:
        if isinstance(event, TaskStarted):
            return self._task_started(event.task, now)
        if isinstance(event, FileDiffed):
            self._board(event.task, now).add_diff(event.host, plain_text(event.text))
            return []
        if isinstance(event, MessageShown):
            return self._message(event.kind, event.text, ())
        if isinstance(event, PlayStarted):
            return self._play_started(event)
        if isinstance(event, PlaybookStarted | PlaybookFinished):
            return self.finish()
        if isinstance(event, HostsMissing):
            text = "no hosts left in the play" if event.matched else "no hosts matched"
            return [*self.finish(), MessageLine(MessageKind.WARNING, text)]
        if isinstance(event, FileIncluded) and self._verbosity:
            hosts = tuple(sort_hosts(event.hosts))
            return self._said(MessageLine(MessageKind.NOTE, f"included {event.path}", hosts))
        return []

    def _board(self, task: TaskLabel, now: float) -> TaskBoard:
        board = self._boards.get(task.id)
        if board is None:
            board = self._boards[task.id] = TaskBoard(task, now, self._verbosity)
        return board

    def _play_started(self, event: PlayStarted) -> list[Paragraph]:
        held_back = self.finish()
        self._alive = set(event.hosts)
        self._running.clear()
        heading = PlayHeading(
            event.name,
            tuple(sort_hosts(event.hosts)),
            check_mode=event.check_mode,
            batch=event.batch,
            batches=event.batches,
        )
        return [*held_back, heading]

    def _task_started(self, task: TaskLabel, now: float) -> list[Paragraph]:
        said: list[Paragraph] = []
        if not self._running:
            said = self._close_boards(
                [board for board in self._boards.values() if board.task.id != task.id]
            )
        self._board(task, now)
        return said

    def _finished(self, event: HostTaskFinished, now: float) -> list[Paragraph]:
        board = self._board(event.task, now)
        if self._running.get(event.host) == event.task.id:
            del self._running[event.host]
        if event.outcome in (Outcome.FAILED, Outcome.UNREACHABLE):
            self._alive.discard(event.host)
        said = [
            *self._said(board.add_result(event, now)),
            *self._warnings(event),
        ]
        if not board.running and (event.task.run_once or self._alive <= board.reported):
            said += self._close_boards([board])
        return said

    def _warnings(self, event: HostTaskFinished) -> list[Paragraph]:
        said: list[Paragraph] = []
        for text in _texts(event.result.get("warnings")):
            said += self._message(MessageKind.WARNING, text, (event.host,))
        for text in _texts(event.result.get("deprecations")):
            said += self._message(MessageKind.DEPRECATION, text, (event.host,))
        return said

    def _message(self, kind: MessageKind, text: str, hosts: tuple[str, ...]) -> list[Paragraph]:
        text = plain_text(text).strip("\n")
        if kind in (MessageKind.WARNING, MessageKind.DEPRECATION):
            # Each host's own name in it makes no new warning of one that was said.
            told = without_name(text, hosts[0]) if hosts else text
            if told in self._warned:
                return []
            self._warned |= {text, told}
        return self._said(MessageLine(kind, text, hosts))

    def _said(self, paragraph: Paragraph | None) -> list[Paragraph]:
        return [] if paragraph is None else [*self._take_quiet(), paragraph]

    def _close_boards(self, boards: Iterable[TaskBoard]) -> list[Paragraph]:
        said: list[Paragraph] = []
        for board in boards:
            self._boards.pop(board.task.id, None)
            paragraphs = board.paragraphs()
            if paragraphs:
                said += [*self._take_quiet(), *paragraphs]
            elif board.reported and not board.has_failures:
                self._count_quiet(board)
        return said

    def _count_quiet(self, board: TaskBoard) -> None:
        self._quiet_ok += board.has_ok
        self._quiet_skipped += not board.has_ok
        self._quiet_seconds += board.seconds
        self._quiet_name = board.task.name

    def _take_quiet(self) -> list[Paragraph]:
        if not self._quiet_ok and not self._quiet_skipped:
            return []
        name = self._quiet_name if self._quiet_ok + self._quiet_skipped == 1 else ""
        quiet = QuietTasks(self._quiet_ok, self._quiet_skipped, self._quiet_seconds, name)
        self._quiet_ok = self._quiet_skipped = 0
        self._quiet_seconds = 0.0
        return [quiet]


def _texts(values: object) -> list[str]:
    """Give the warnings or deprecations of a result, in any form that ansible-core has for them."""
    if not isinstance(values, list | tuple):
        return []
    return [
        str(value.get("msg", value)) if isinstance(value, dict) else str(value) for value in values
    ]
