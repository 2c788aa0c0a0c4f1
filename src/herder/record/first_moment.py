"""The first moment of a run: until its first task that may have an effect has been everywhere.

What is done in it depends on nothing that the run did, so it can be begun before the run. The one
task is its measure and not the first result: which of many hosts is first is chance.
"""

from __future__ import annotations

from collections.abc import Callable

from herder.events import (
    Event,
    HostTaskFinished,
    ItemFinished,
    Outcome,
    PlayStarted,
    TaskRetried,
    TaskStarted,
)

# These look at what is known or say something; nothing becomes another for them.
WITHOUT_EFFECT = frozenset(
    {
        "add_host", "assert", "debug", "group_by", "include_role", "include_tasks", "include_vars",
        "meta", "set_fact", "validate_argument_spec",
    }
)  # fmt: skip
_NOTHING_DONE = (Outcome.SKIPPED, Outcome.UNREACHABLE)


class FirstMoment:
    """An event sink that says when something may have had an effect, and when the moment is over.

    Each is said once. Items of a loop come one after another, so the moment ends with the first.
    """

    def __init__(self, on_effect: Callable[[], None], on_end: Callable[[], None]) -> None:
        self._on_effect = on_effect
        self._on_end = on_end
        self._has_effect = False
        self._is_over = False

    def tell(self, event: Event) -> None:
        """Take an event of the run."""
        if self._is_over:
            return
        if isinstance(event, (TaskStarted, PlayStarted)):
            if self._has_effect:
                self.end()
        elif isinstance(event, TaskRetried):
            self._take_effect()
            self.end()
        elif isinstance(event, (HostTaskFinished, ItemFinished)) and _may_have_effect(event):
            self._take_effect()
            if isinstance(event, ItemFinished):
                self.end()

    def close(self) -> None:
        """Nothing is held."""

    def end(self) -> None:
        """End the moment, if it has not ended."""
        if not self._is_over:
            self._is_over = True
            self._on_end()

    def _take_effect(self) -> None:
        if not self._has_effect:
            self._has_effect = True
            self._on_effect()


def _may_have_effect(event: HostTaskFinished | ItemFinished) -> bool:
    action = event.task.action.rpartition(".")[2]
    return event.outcome not in _NOTHING_DONE and action not in WITHOUT_EFFECT
