"""Fields of ansible-core's playbook objects, validated and copied with no more work than needed.

A task is copied and its fields are validated for each host; nearly all of them hold nothing, or
what is valid as it stands. Each function gives what the method gives that it stands for.

*Source*: ansible-core 2.19 and 2.21 playbook/base.py, `FieldAttributeBase`.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Hashable, Mapping
from typing import Any

from ansible.playbook.attribute import (
    Attribute,
    FieldAttribute,
    NonInheritableFieldAttribute,
)
from ansible.playbook.handler import Handler
from ansible.playbook.task import Task
from ansible.utils.sentinel import Sentinel

from herder.language.shortcuts.attributes import has_no_parent, stands_alone

_SHARING = frozenset({Task, Handler})
_PLAIN_FIELDS = (FieldAttribute, NonInheritableFieldAttribute)


def post_validate(original: Callable[..., Any], thing: Any, templar: Any) -> None:
    """Fields that hold nothing, a number or plain text, as nearly all do, are valid as they are.

    The copy of a task for an item of a loop inherits once more: what it extends, and what it has
    not, is read as ansible-core reads it.
    """
    fields = vars(thing)
    kind: Any = type(thing)
    is_flat = fields.get("_squashed") or fields.get("_finalized") or has_no_parent(kind)
    if not is_flat and kind not in _SHARING:
        original(thing, templar)
        return
    for name, place, plain, default, is_inherited, is_static in _validated(kind):
        own = value = fields.get(place, Sentinel)
        if is_flat and own is Sentinel:
            own = value = default
        if value is Sentinel or (is_inherited and not is_flat):
            value = getattr(thing, name)
        if value is None and plain is not object:
            continue
        if not _is_plain(value, plain):
            is_number = plain is float and type(value) is int
            value = (
                float(value) if is_number else thing.post_validate_attribute(name, templar=templar)
            )
        if value is not own and value is not Sentinel and not is_static:
            setattr(thing, name, value)
    thing._finalized = True


def _is_plain(value: Any, plain: type[Any] | None) -> bool:
    if plain is str:
        return isinstance(value, str) and "{" not in value and not value.startswith("#jinja2:")
    if plain is list:
        return type(value) is list and not value
    return isinstance(value, int) if plain is int else type(value) is plain


@functools.cache
def _validated(kind: Any) -> tuple[tuple[str, str, type[Any] | None, Any, bool, bool], ...]:
    """Give the fields that are looked at: name, place, the type whose plain values need no look,
    default, whether a value of its own is not all there is, and whether it is only warned of a
    template.

    *Shapes*: the type is None where every value but None needs a look, object where None does too.
    """
    return tuple(
        (
            name,
            f"_{name}",
            _plain_type(kind, name, field),
            Sentinel if callable(field.default) else field.default,
            getattr(field, "extend", False) or type(field) not in _PLAIN_FIELDS,
            field.static,
        )
        for name, field in kind.fattributes.items()
        if _is_validated(kind, name, field)
    )


def _is_validated(kind: Any, name: str, field: Any) -> bool:
    """Whether a field is looked at: what lies between a play and a task is valid where a task has
    inherited it, and of variables all is accepted."""
    if field.static:
        return name != "vars"
    return bool(kind._post_validate_object or field.required or field.always_post_validate)


def _plain_type(kind: type[Any], name: str, field: Any) -> type[Any] | None:
    if field.required or hasattr(kind, f"_get_attr_{name}"):
        return object
    own_way = getattr(kind, f"_post_validate_{name}", None)
    if own_way is not None and not field.static and not _keeps_value(own_way):
        return None
    return {"bool": bool, "int": int, "float": float, "string": str, "list": list}.get(field.isa)


def _keeps_value(method: Callable[..., Any]) -> bool:
    """Whether a field's own validation is none: it gives the value that it gets."""

    def nothing_done(_thing: Any, _field: Any, value: Any, _templar: Any) -> Any:
        return value

    return method.__code__.co_code == nothing_done.__code__.co_code


def copy_fields(original: Callable[..., Any], thing: Any) -> Any:
    """A copy has the same fields; text, numbers and nothing need not be copied for it."""
    kind: Any = type(thing)
    if not _keeps_plain_fields(kind):
        return original(thing)
    try:
        twin = kind()
    except RecursionError:
        return original(thing)
    fields, copied = vars(thing), vars(twin)
    for name in field_places(kind):
        value = fields.get(name, Sentinel)
        copied[name] = value if type(value) in _SHARED else own_copy(value)
    for name in _COPIED_BESIDE:
        copied[name] = getattr(thing, name)
    if hasattr(thing, "_ds"):
        twin._ds = thing._ds
    return twin


def own_copy(value: Any) -> Any:
    """Copy what a holder can change; text, numbers, tagged ones too, and classes are shared."""
    kind = type(value)
    if kind in _SHARED:
        return value
    if kind is list or kind is dict:
        return value.copy()
    if issubclass(kind, (str, int, float)):
        _SHARED.add(kind)
        return value
    return copy.copy(value)


UNCHANGEABLE = frozenset({str, int, bool, float, type(None)})
# the type of a class is here because of Sentinel, which stands where nothing was set
_SHARED: set[Any] = {*UNCHANGEABLE, type}
_COPIED_BESIDE = ("_loader", "_variable_manager", "_origin", "_validated", "_finalized", "_uuid")


@functools.cache
def _keeps_plain_fields(kind: Any) -> bool:
    """Whether setting a field does no more than to keep it."""
    setters = {type(field).__set__ for field in kind.fattributes.values()}
    return setters <= {Attribute.__set__} and kind.__setattr__ is object.__setattr__


@functools.cache
def field_places(kind: Any) -> tuple[str, ...]:
    """Give the names below which fields are kept, in the order in which they are set."""
    names: list[str] = []
    for name, field in kind.fattributes.items():
        names += [f"_{name}"] + ([f"_{field.alias}"] if field.alias is not None else [])
    return tuple(names)


def set_fields(original: Callable[..., Any], thing: Any, values: Mapping[str, Any]) -> None:
    """What a worker sends of its task is kept as it is, but for objects sent as their fields."""
    kind: Any = type(thing)
    names = _plain_fields(kind) if _keeps_plain_fields(kind) else {}
    fields, others = vars(thing), {}
    for name, value in values.items():
        if name in names:
            fields[names[name]] = value
        else:
            others[name] = value
    original(thing, others)


@functools.cache
def _plain_fields(kind: Any) -> dict[str, str]:
    """Give below which name each field is kept that has one name and holds no object."""
    return {
        name: f"_{field.name}"
        for name, field in kind.fattributes.items()
        if field.alias is None and field.isa != "class"
    }


def squash(original: Callable[..., Any], thing: Any) -> None:
    """What tasks of a block inherit is the same for all of them and for every host."""
    kind: Any = type(thing)
    parent = getattr(thing, "_parent", None)
    if parent is None or thing._squashed or kind not in _SHARING:
        original(thing)
        return
    inherited = _inherited_from(parent, kind)
    fields = vars(thing)
    for name, is_shared, is_kept, default in _squashed_fields(kind):
        own = fields.get(f"_{name}", Sentinel)
        if own is not Sentinel and is_kept:
            continue
        known = inherited.get(name, Sentinel) if is_shared else default
        if known is not Sentinel:
            fields[f"_{name}"] = known
            continue
        value = getattr(thing, name)
        setattr(thing, name, value)
        if is_shared:
            inherited[name] = value
    thing._squashed = True


def _inherited_from(parent: Any, kind: Any) -> dict[str, Any]:
    kept: dict[Any, dict[str, Any]] = parent.__dict__.setdefault("herder_inherited", {})
    return kept.setdefault(kind, {})


@functools.cache
def _squashed_fields(kind: Any) -> tuple[tuple[str, bool, bool, Any], ...]:
    """Give the fields: whether a value that was not set depends on the parents alone, whether one
    that was set is all there is, and the default of those that nothing is inherited for."""
    return tuple(
        (name, is_kept and _is_shared(field), is_kept, _own_default(field, is_kept=is_kept))
        for name, field in kind.fattributes.items()
        for is_kept in [
            type(field) in _PLAIN_FIELDS
            and not getattr(field, "extend", False)
            and field.alias is None
            and not hasattr(kind, f"_get_attr_{name}")
        ]
    )


def _own_default(field: Any, *, is_kept: bool) -> Any:
    is_own = is_kept and type(field) is NonInheritableFieldAttribute
    return field.default if is_own and not callable(field.default) else Sentinel


def _is_shared(field: Any) -> bool:
    """Whether tasks can have one value that none of them can change."""
    is_unchangeable = field.isa in ("string", "bool", "int", "float")
    return type(field) is FieldAttribute and (is_unchangeable or not callable(field.default))


def dump_attrs(original: Callable[..., Any], thing: Any) -> Any:
    """A thing that is squashed has all its values beside it."""
    fields = vars(thing)
    if not (fields.get("_squashed") or fields.get("_finalized")):
        return original(thing)
    kind: Any = type(thing)
    attrs = {}
    for name, place in _dumped_fields(kind):
        value = fields.get(place, Sentinel)
        if value is Sentinel:
            value = getattr(thing, name)
            if kind.fattributes[name].isa == "class":
                value = getattr(value, _way_to_dump(original), lambda held=value: held)()
        attrs[name] = value
    return attrs


@functools.cache
def _way_to_dump(original: Callable[..., Any]) -> str:
    """Give the method that dumps an object in a field: since 2.20 that of all fields."""
    return "serialize" if "serialize" in original.__code__.co_names else "dump_attrs"


@functools.cache
def _dumped_fields(kind: Any) -> tuple[tuple[str, str], ...]:
    """Give the fields and where their values are kept, nothing for one that is elsewhere."""
    return tuple(
        (name, f"_{name}" if _is_kept(kind, name, field) else "")
        for name, field in kind.fattributes.items()
    )


def _is_kept(kind: Any, name: str, field: Any) -> bool:
    is_usual = type(field) in _PLAIN_FIELDS and field.isa != "class"
    return is_usual and not hasattr(kind, f"_get_attr_{name}")


def field_values(thing: Any, names: tuple[str, ...]) -> list[Any]:
    """Give each field's value as `getattr` does, None where there is no such field."""
    fields = vars(thing)
    kind: Any = type(thing)
    is_flat = bool(fields.get("_squashed") or fields.get("_finalized"))
    values = list(map(fields.get, *_places_of_values(kind, names, is_flat=is_flat)))
    if Sentinel in values:
        values = [
            getattr(thing, name, None) if value is Sentinel else value
            for name, value in zip(names, values, strict=True)
        ]
    return values


@functools.cache
def _places_of_values(
    kind: Hashable, names: tuple[str, ...], *, is_flat: bool
) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """Give where each value is kept and what it is where none is kept.

    *Shapes*: Sentinel stands for a value that is read as ansible-core reads it; one that is never
    kept has a place where nothing is.
    """
    fields = getattr(kind, "fattributes", {})
    places, unset = [], []
    for name in names:
        is_free = not hasattr(kind, name) and not hasattr(kind, "__getattr__")
        is_kept = (
            name in fields
            and _is_kept(kind, name, fields[name])
            and (is_flat or stands_alone(kind, fields[name]))
        )
        places.append(f"_{name}" if is_kept else name if is_free else "")
        unset.append(None if is_free else Sentinel)
    return tuple(places), tuple(unset)
