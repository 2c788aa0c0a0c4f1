"""Play contexts: what a task and its host's variables make of one, worked out once.

Twice for each task and host ansible-core copies the play context and overrides it by the task's
fields and by some three dozen variables. The same values give the same context.

*Source*: ansible-core 2.19 and 2.21 playbook/play_context.py, `set_task_and_variable_override`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any

from ansible import constants
from ansible.playbook import play_context

from herder.language.shortcuts.fields import field_values
from herder.language.shortcuts.kept import Kept

# Fields of a task that it looks at beside those in TASK_ATTRIBUTE_OVERRIDES.
OTHER_FIELDS = ("check_mode", "diff")
# What a copy has of its own, and what says nothing.
_OF_EACH = frozenset({"_uuid", "_loader", "_variable_manager", "_origin"})

# A plugin's default, in whose place the host's name is put with a warning each time.
_WARNS = "inventory_hostname"

# What may be a part of a key beside None.
_KEYS = (str, int, float, tuple, type)

_found = Kept(limit=5000)


def overridden(
    original: Callable[..., Any], given: Any, task: Any, variables: Mapping[str, Any], templar: Any
) -> Any:
    """Give the context with the task's and the variables' values in it."""
    parts, about = _parts(given, task, variables)
    # True and 1 are equal, as are two empty ones, and must not be the same key
    kinds = tuple(map(type, parts))
    parts = [
        () if (kind is list or kind is dict) and not value else value
        for kind, value in zip(kinds, parts, strict=True)
    ]
    key = (about, kinds, tuple(parts))
    try:
        found = None if task.delegate_to is not None else _found.get(key)
    except TypeError:
        return original(given, task=task, variables=variables, templar=templar)
    if found is None:
        made = original(given, task=task, variables=variables, templar=templar)
        if task.delegate_to is None and _may_be_kept(parts):
            own = {name: value for name, value in vars(made).items() if name not in _OF_EACH}
            _found.keep(key, own)
        return made
    twin = object.__new__(type(given))
    fields = vars(given)
    twin.__dict__.update({name: fields[name] for name in _OF_EACH & fields.keys()})
    for name, value in found.items():
        twin.__dict__[name] = value.copy() if type(value) in (list, dict) else value
    return twin


def _parts(given: Any, task: Any, variables: Mapping[str, Any]) -> tuple[list[Any], Hashable]:
    """Give the values that a context follows from, and what they are the values of."""
    fields = vars(given)
    own = _own_fields(tuple(fields))
    names = tuple(filter(variables.__contains__, _variables_read()))
    parts = [*map(fields.__getitem__, own), *field_values(task, _fields_read())]
    parts += map(variables.__getitem__, names)
    return parts, (type(given), own, names)


@functools.lru_cache(maxsize=100)
def _own_fields(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if name not in _OF_EACH)


def _may_be_kept(parts: Iterable[Any]) -> bool:
    """Whether nothing else equals a part: not so for templates, of which some are trusted."""
    if not all(value is None or isinstance(value, _KEYS) for value in parts):
        return False
    words = [value for value in parts if isinstance(value, str)]
    return "{" not in " ".join(words) and _WARNS not in words


@functools.cache
def _fields_read() -> tuple[str, ...]:
    return (*play_context.TASK_ATTRIBUTE_OVERRIDES, *OTHER_FIELDS)


def _variables_read() -> tuple[str, ...]:
    if _Names.of is not constants.MAGIC_VARIABLE_MAPPING:
        _Names.of = constants.MAGIC_VARIABLE_MAPPING
        _Names.all = tuple(
            name for names in constants.MAGIC_VARIABLE_MAPPING.values() for name in names
        )
    return _Names.all


class _Names:
    of: Any = None
    all: tuple[str, ...] = ()
