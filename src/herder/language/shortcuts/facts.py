"""Facts as variables: copied for every task and host, cleaned of what they may not say.

ansible-core copies all facts twice for each task and host, and looks with some thousand regular
expressions for names that facts may not have, such as connection variables. Which names those are
follows from the names alone, so they are looked at once; a copy of plain values is made directly.

Law: what comes out is as new as ansible-core's, since a task may change what it gets.
*Source*: ansible-core 2.19 and 2.21 vars/clean.py, `clean_facts` and `namespace_facts`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.plugins.loader import connection_loader
from ansible.vars import manager as vars_manager

from herder.language.exchanged import around
from herder.language.shortcuts.fields import UNCHANGEABLE

_INTERNAL = "_ansible_"
_PREFIX = "ansible_"
_KEPT_LIMIT = 2_000


class NotPlain(Exception):
    """Among the facts is something else than what comes as JSON."""


def install() -> None:
    """Exchange both functions where variables are put together; again changes nothing."""
    names = NamesOfFacts()
    for name, ours in (("clean_facts", names.clean), ("namespace_facts", without_prefix)):
        original = getattr(vars_manager, name)
        if not hasattr(original, "herder_original"):
            setattr(vars_manager, name, around(original, ours))


class NamesOfFacts:
    """Sets of names among which ansible-core has found none that facts may not have."""

    def __init__(self) -> None:
        self._allowed: set[tuple[Any, ...]] = set()

    def clean(self, original: Callable[..., Any], facts: Mapping[str, Any]) -> Any:
        """Give facts without what is internal; names that are not known go ansible-core's way."""
        key = (frozenset(facts), tuple(connection_loader._extra_dirs))
        if key in self._allowed and type(facts) is dict:
            try:
                return _without_internal(facts)
            except NotPlain:
                return original(facts)
        cleaned = original(facts)
        lost = facts.keys() - cleaned.keys()
        if all(name.startswith(_INTERNAL) for name in lost):
            self._keep(key)
        return cleaned

    def _keep(self, key: tuple[Any, ...]) -> None:
        if len(self._allowed) >= _KEPT_LIMIT:
            self._allowed.clear()
        self._allowed.add(key)


def without_prefix(original: Callable[..., Any], facts: Mapping[str, Any]) -> Any:
    """Give all facts inside `ansible_facts`, by their short names."""
    if type(facts) is not dict:
        return original(facts)
    try:
        return {"ansible_facts": {_short(name): copied(value) for name, value in facts.items()}}
    except NotPlain:
        return original(facts)


def _short(name: Any) -> Any:
    if name.startswith(_PREFIX) and name != "ansible_local":
        return name[len(_PREFIX) :]
    return name


def copied(value: Any) -> Any:
    """Give a copy of what comes as JSON. *Raises*: NotPlain."""
    kind = type(value)
    if kind in UNCHANGEABLE:
        return value
    if kind is dict:
        return {
            name: held if type(held) in UNCHANGEABLE else copied(held)
            for name, held in value.items()
        }
    if kind is list:
        return [held if type(held) in UNCHANGEABLE else copied(held) for held in value]
    raise NotPlain


def _without_internal(value: Any) -> Any:
    """Give a copy without the names that begin as internal ones do. *Raises*: NotPlain."""
    kind = type(value)
    if kind in UNCHANGEABLE:
        return value
    if kind is dict:
        # a copy, because results of other tasks may be put into the first of them meanwhile
        return {
            name: held if type(held) in UNCHANGEABLE else _without_internal(held)
            for name, held in value.copy().items()
            if not (isinstance(name, str) and name.startswith(_INTERNAL))
        }
    if kind is list:
        return [held if type(held) in UNCHANGEABLE else _without_internal(held) for held in value]
    raise NotPlain
