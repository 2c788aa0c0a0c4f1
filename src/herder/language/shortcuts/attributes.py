"""Reading a field of ansible-core's playbook objects, some 130 times for each task and host.

Each function gives what the method gives that it stands for; whatever is not the plain case is
left to that method.

*Source*: ansible-core 2.19 and 2.21 playbook/attribute.py (`__get__` of each kind),
playbook/task.py (`_get_parent_attribute`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable
from typing import Any

from ansible.playbook import attribute
from ansible.playbook.attribute import Attribute, FieldAttribute
from ansible.playbook.handler import Handler
from ansible.playbook.task import Task
from ansible.utils.sentinel import Sentinel

# Kinds whose own value stands before their parents' unless the field is one that extends it.
_OWN_FIRST = frozenset({Task, Handler})
# Names for which a connection plugin is chosen when the field is read.
_CHOSEN_LATE = ("smart", "persistent")


def install() -> None:
    """Exchange the methods; a second call changes nothing."""
    readers: tuple[tuple[Any, Callable[..., Any]], ...] = (
        (Attribute, _reads_own),
        (FieldAttribute, _reads_inherited),
        # 2.19 only
        (getattr(attribute, "ConnectionFieldAttribute", None), _reads_connection),
    )
    for kind, reader in readers:
        original: Any = getattr(kind, "__get__", None)
        if original is not None and not hasattr(original, "herder_original"):
            read = reader(original)
            read.herder_original = original
            kind.__get__ = read


def _reads_own(original: Callable[..., Any]) -> Any:
    def read(field: Any, thing: Any, kind: Any = None) -> Any:
        owner: Any = type(thing)
        if thing is None or _has_own_way(owner, field.name):
            return original(field, thing, kind)
        place = f"_{field.name}"
        value = thing.__dict__.get(place, Sentinel)
        if value is Sentinel:
            value = field.default
            if callable(value):
                value = thing.__dict__[place] = value()
        return value

    return read


def _reads_inherited(original: Callable[..., Any]) -> Any:
    def read(field: Any, thing: Any, kind: Any = None) -> Any:
        if thing is None:
            return original(field, thing, kind)
        fields = thing.__dict__
        if fields.get("_squashed") or fields.get("_finalized"):
            value = fields.get(f"_{field.name}", Sentinel)
        elif stands_alone(owner := type(thing), field):
            value = fields.get(f"_{field.name}", Sentinel)
            if value is Sentinel and owner in _OWN_FIRST:
                return original(field, thing, kind)
        else:
            return original(field, thing, kind)
        if value is Sentinel:
            value = field.default
            if callable(value):
                value = value()
        return value

    return read


def stands_alone(kind: Any, field: Any) -> bool:
    """Whether a value of a thing's own, where it has one, is all there is of this field."""
    if kind in _OWN_FIRST:
        return not getattr(field, "extend", False)
    return has_no_parent(kind) and not _has_own_way(kind, field.name)


@functools.cache
def has_no_parent(kind: Hashable) -> bool:
    """Whether things of this kind inherit nothing."""
    return not hasattr(kind, "_get_parent_attribute")


def _reads_connection(original: Callable[..., Any]) -> Any:
    def read(field: Any, thing: Any, kind: Any = None) -> Any:
        value = FieldAttribute.__get__(field, thing, kind)
        return original(field, thing, kind) if value in _CHOSEN_LATE else value

    return read


@functools.cache
def _has_own_way(kind: Hashable, name: str) -> bool:
    """Whether a class reads a field in a way of its own."""
    return hasattr(kind, f"_get_attr_{name}")
