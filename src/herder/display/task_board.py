"""What all hosts reported of one task so far, folded into paragraphs when the task is over."""

from __future__ import annotations

from dataclasses import dataclass, field

from herder.display.advice import advice_for
from herder.display.paragraphs import (
    DiffShown,
    FailureRepeated,
    FailureShown,
    HostGroup,
    Paragraph,
    ResultShown,
    TaskChanged,
)
from herder.display.plain_text import one_line
from herder.display.result_fields import (
    BRIEF,
    DEBUG_ACTIONS,
    FULL,
    Field,
    debug_fields,
    result_fields,
)
from herder.events import Facts, HostTaskFinished, ItemFinished, Outcome, TaskLabel
from herder.model.host_order import sort_hosts, without_name

FAILURES = frozenset({Outcome.FAILED, Outcome.IGNORED, Outcome.UNREACHABLE})


@dataclass(slots=True)
class _Alike:
    """Failures with the same text: the host that had it first, and those after it."""

    first: str
    outcome: Outcome
    others: list[str] = field(default_factory=list)


@dataclass(slots=True)
class TaskBoard:
    """One task while hosts work on it."""

    task: TaskLabel
    started: float
    verbosity: int = 0
    last: float = 0.0
    running: set[str] = field(default_factory=set)
    reported: set[str] = field(default_factory=set)
    has_failures: bool = False
    has_ok: bool = False
    _changed: dict[tuple[str, ...], list[str]] = field(default_factory=dict)
    _items: dict[str, list[str]] = field(default_factory=dict)
    _failed_items: set[str] = field(default_factory=set)
    _failures: dict[tuple[object, ...], _Alike] = field(default_factory=dict)
    _diffs: dict[str, list[str]] = field(default_factory=dict)
    _shown: dict[tuple[Outcome, tuple[Field, ...]], list[str]] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        return max(self.last - self.started, 0.0)

    def add_diff(self, host: str, text: str) -> None:
        self._diffs.setdefault(text, []).append(host)

    def add_item(self, event: ItemFinished) -> FailureShown | None:
        """Take one loop item; give the failure to show at once, if it is a new one."""
        if event.outcome is Outcome.CHANGED:
            self._items.setdefault(event.host, []).append(one_line(event.label))
        if event.outcome not in FAILURES:
            return None
        self._failed_items.add(event.host)
        return self._add_failure(event.host, event.outcome, event.result, one_line(event.label))

    def add_result(self, event: HostTaskFinished, now: float) -> FailureShown | None:
        """Take a host's result; give the failure to show at once, if it is a new one."""
        self.last = now
        self.running.discard(event.host)
        self.reported.add(event.host)
        if event.outcome in FAILURES:
            return self._add_failed_host(event)
        self.has_ok = self.has_ok or event.outcome is not Outcome.SKIPPED
        items = tuple(self._items.pop(event.host, ()))
        fields = self._fields_to_show(event, items)
        if fields:
            self._shown.setdefault((event.outcome, fields), []).append(event.host)
        elif event.outcome is Outcome.CHANGED:
            self._changed.setdefault(items, []).append(event.host)
        return None

    def paragraphs(self) -> list[Paragraph]:
        """Give all that was not shown at once; nothing at all for a quiet task."""
        return [
            *self._repeated_failures(),
            *self._change(),
            *(
                ResultShown(self.task, outcome, tuple(sort_hosts(hosts)), fields, self.seconds)
                for (outcome, fields), hosts in self._shown.items()
            ),
            *(
                DiffShown(self.task, tuple(sort_hosts(hosts)), text)
                for text, hosts in self._diffs.items()
            ),
        ]

    def _add_failed_host(self, event: HostTaskFinished) -> FailureShown | None:
        self.has_failures = True
        if event.host in self._failed_items:
            # Each failed item of the loop was shown; the result of the loop only sums them up.
            return None
        return self._add_failure(event.host, event.outcome, event.result, "")

    def _add_failure(
        self, host: str, outcome: Outcome, result: Facts, item: str
    ) -> FailureShown | None:
        fields = result_fields(result, FULL if self.verbosity else BRIEF)
        signature = (
            outcome,
            item,
            *((part.name, without_name(part.text, host)) for part in fields),
        )
        known = self._failures.get(signature)
        if known is not None:
            known.others.append(host)
            return None
        self._failures[signature] = _Alike(host, outcome)
        advice = advice_for(
            "\n".join(f"{part.name} {part.text}" for part in fields),
            is_unreachable=outcome is Outcome.UNREACHABLE,
        )
        label = host_label(host, result)
        return FailureShown(self.task, outcome, label, item, fields, advice)

    def _fields_to_show(self, event: HostTaskFinished, items: tuple[str, ...]) -> tuple[Field, ...]:
        if event.outcome is Outcome.SKIPPED:
            return ()
        if event.task.action in DEBUG_ACTIONS:
            return debug_fields(event.result)
        if not self.verbosity and not is_meant_to_be_read(event):
            return ()
        of_items = (Field("items", ", ".join(items)),) if items else ()
        fields = result_fields(event.result, FULL if self.verbosity > 1 else BRIEF)
        return (*of_items, *fields) or (Field("", ""),)

    def _repeated_failures(self) -> list[Paragraph]:
        return [
            FailureRepeated(self.task, alike.outcome, alike.first, tuple(sort_hosts(alike.others)))
            for alike in self._failures.values()
            if alike.others
        ]

    def _change(self) -> list[Paragraph]:
        if not self._changed:
            return []
        groups = tuple(
            HostGroup(tuple(sort_hosts(hosts)), items) for items, hosts in self._changed.items()
        )
        everywhere = sum(map(len, self._changed.values())) == len(self.reported)
        return [TaskChanged(self.task, groups, self.seconds, everywhere)]


def host_label(host: str, result: Facts) -> str:
    """Give the host's name, and for a delegated task where it really ran.

    *Source*: ansible-core 2.19 `CallbackBase.host_label`.
    """
    delegated = result.get("_ansible_delegated_vars")
    other = delegated.get("ansible_delegated_host") if isinstance(delegated, dict) else None
    return f"{host} -> {other}" if other and other != host else host


def is_meant_to_be_read(event: HostTaskFinished) -> bool:
    """Say whether an action asks for its result to be shown always; all of `assert`'s say the same.

    *Source*: ansible-core 2.19 `_ansible_verbose_always` in plugins/callback/__init__.py.
    """
    asks = bool(event.result.get("_ansible_verbose_always"))
    return asks and event.task.action.rpartition(".")[2] != "assert"
