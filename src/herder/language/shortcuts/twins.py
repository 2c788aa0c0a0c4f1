"""A task's copy for each host, made of what was worked out for the first one.

For each host ansible-core copies a task and then looks up in the blocks and the play around it
what it inherits. None of that depends on the host: the first copy is kept as a pattern for the
next ones, for as long as the task itself is what it was.

*Source*: ansible-core 2.19 and 2.21 playbook/task.py (`copy`), playbook/base.py (`copy`, `squash`).
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

from ansible.playbook.handler import Handler
from ansible.playbook.task import Task

from herder.language.shortcuts.fields import field_places, own_copy

_KINDS = frozenset({Task, Handler})
_PLACE = "herder_pattern"
# What a copy does not take over.
_NOT_COPIED = frozenset({_PLACE, "notified_hosts", "cached_name"})


def copy_beside_parent(task: Any, *_: Any, **__: Any) -> Any:
    """Copy a task alone; nobody changes what is around it."""
    twin = type(task).copy(task, exclude_parent=True, exclude_tasks=True)
    twin._parent = task._parent
    return twin


def squashed_copy(task: Any) -> Any:
    """Give a copy that has all that it inherits, as `copy` and then `squash` make it."""
    if type(task) not in _KINDS:
        return copy_beside_parent(task)
    pattern = task.__dict__.get(_PLACE)
    if pattern is None or not pattern.is_of(task):
        pattern = task.__dict__[_PLACE] = _pattern_of(task)
    return pattern.copy(type(task))


@dataclass(frozen=True)
class _Pattern:
    """What a task's copies have, and what the task was like when the first was made.

    *Shapes*: `count` is how many values the task had of its own. `fixed` and `open` are the names
    of those that a copy has too, and their values are there beside them; of those that may be
    changed where they are (`open`) there are copies. `own` are the names of what each copy of the
    task has for itself.
    """

    count: int
    fixed: tuple[str, ...]
    fixed_values: tuple[Any, ...]
    open: tuple[str, ...]
    open_values: tuple[Any, ...]
    fields: dict[str, Any]
    own: tuple[str, ...]

    def is_of(self, task: Any) -> bool:
        """Whether the task is what it was."""
        now = task.__dict__.get
        return (
            len(task.__dict__) == self.count
            and all(map(operator.is_, map(now, self.fixed), self.fixed_values))
            and tuple(map(now, self.open)) == self.open_values
        )

    def copy(self, kind: type[Any]) -> Any:
        """Give one more."""
        twin = object.__new__(kind)
        fields = twin.__dict__
        fields.update(self.fields)
        for name in self.own:
            fields[name] = own_copy(fields[name])
        return twin


def _pattern_of(task: Any) -> _Pattern:
    first, given = copy_beside_parent(task), task.__dict__
    kind: Any = type(task)
    first.squash()
    fixed = tuple(name for name in given if name not in _NOT_COPIED and not _is_open(given[name]))
    opened = tuple(name for name in given if name not in _NOT_COPIED and _is_open(given[name]))
    fields, places = dict(first.__dict__), set(field_places(kind))
    return _Pattern(
        len(given.keys() | {_PLACE}),
        fixed,
        tuple(map(given.get, fixed)),
        opened,
        tuple(given[name].copy() for name in opened),
        fields,
        tuple(
            name
            for name, value in fields.items()
            if own_copy(value) is not value and (name in places or value is not given.get(name))
        ),
    )


def _is_open(value: Any) -> bool:
    return isinstance(value, (list, dict))
