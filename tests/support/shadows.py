"""Stands behind each shortcut and works out by ansible-core's long way too what it gives.

A program: `python -m tests.support.shadows REPORT WORD...` runs Herder's playbook command with the
words and writes to REPORT a line for each kind of answer (how many were compared) and one for each
difference. Templates are rendered two or three times, so what only counts or is random differs
from itself, too: that is not a difference.
"""

from __future__ import annotations

import copy
import functools
import json
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from ansible._internal._templating import _lazy_containers
from ansible._internal._templating._engine import TemplateEngine
from ansible.config.manager import ConfigManager
from ansible.executor import task_result
from ansible.executor.task_executor import TaskExecutor
from ansible.module_utils._internal._datatag import AnsibleTagHelper
from ansible.module_utils._internal._json import _profiles
from ansible.module_utils.common.json import Direction, get_module_encoder
from ansible.playbook import task as core_task
from ansible.playbook.attribute import Attribute, FieldAttribute
from ansible.playbook.base import FieldAttributeBase
from ansible.playbook.handler import Handler
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.utils import vars as core_vars
from ansible.vars import manager as vars_manager
from ansible.vars.manager import VariableManager

from herder.cli import playbook
from herder.language import modules, workers
from herder.language.shortcuts.install import install_shortcuts
from herder.language.shortcuts.module_json import encoded
from herder.language.shortcuts.twins import copy_beside_parent, squashed_copy
from herder.language.workers import StepExecutor

DEEPEST = 40
# Which of several equal texts a kept answer was made from; it is told in messages only.
OF_ANY_ORIGIN = frozenset(
    {
        "set_task_and_variable_override",
        "get_config_value_and_origin",
        "get_plugin_options_and_origins",
        "connection",
    }
)
# What is different for each object, and what our shortcuts keep beside its fields.
KEPT_BESIDE = frozenset({"_squashed", "_finalized", "_validated"})
OF_EACH = frozenset({"_uuid", "_loader", "_variable_manager", "herder_inherited", "herder_pattern"})


class Report:
    """What was compared, and what was not the same."""

    def __init__(self) -> None:
        self.compared: Counter[str] = Counter()
        self.differences: dict[str, None] = {}
        self._lock = threading.Lock()

    def take(self, kind: str, difference: str | None) -> None:
        """Note one comparison."""
        if kind in OF_ANY_ORIGIN and difference is not None and "Origin(" in difference:
            difference = None
        with self._lock:
            self.compared[kind] += 1
            if difference is not None and len(self.differences) < 100:
                self.differences[f"{kind}: {difference}"] = None

    def write(self, path: Path) -> None:
        """Write all of it."""
        lines = [f"compared {kind} {count}" for kind, count in sorted(self.compared.items())]
        lines += [f"DIFFERS {each}" for each in self.differences]
        path.write_text("".join(f"{line}\n" for line in lines))


def in_order_of_names(value: Any) -> Any:
    """Give a dict of dicts with its names sorted."""
    if not isinstance(value, dict):
        return value
    return {name: in_order_of_names(value[name]) for name in sorted(value)}


def difference(mine: Any, yours: Any, place: str = "", depth: int = 0) -> str | None:
    """Give the first place where two values differ: in value, type, tags or order."""
    if mine is yours or depth > DEEPEST:
        return None
    if type(mine) is not type(yours):
        return f"{place}: {type(mine)} {mine!r}, long {type(yours)} {yours!r}"
    if (tags := _tags(mine)) != (others := _tags(yours)):
        return f"{place}: {mine!r} has tags {tags}, long {others}"
    return _difference_within(mine, yours, place, depth)


def _difference_within(mine: Any, yours: Any, place: str, depth: int) -> str | None:
    if isinstance(mine, dict):
        if list(mine) != list(yours):
            return f"{place}: names {_unlike(list(mine), list(yours))}"
        parts: Iterable[tuple[str, Any, Any]] = (
            (f"{name}", mine[name], yours[name]) for name in mine
        )
        return _first_difference(parts, place, depth)
    if isinstance(mine, (list, tuple)):
        if len(mine) != len(yours):
            return f"{place}: {mine!r}, long {yours!r}"
        parts = ((str(n), *pair) for n, pair in enumerate(zip(mine, yours, strict=True)))
        return _first_difference(parts, place, depth)
    if isinstance(mine, FieldAttributeBase):
        return difference(fields(mine), fields(yours), place, depth + 1)
    return None if _is_equal(mine, yours) else f"{place}: {mine!r}, long {yours!r}"


def _first_difference(parts: Iterable[tuple[str, Any, Any]], place: str, depth: int) -> str | None:
    found = (difference(mine, yours, f"{place}.{name}", depth + 1) for name, mine, yours in parts)
    return next((each for each in found if each is not None), None)


def _tags(value: Any) -> list[str]:
    return sorted(map(repr, AnsibleTagHelper.tags(value)))


def _unlike(mine: list[Any], yours: list[Any]) -> str:
    more, fewer = set(mine) - set(yours), set(yours) - set(mine)
    if more or fewer:
        return f"more {more}, fewer {fewer}"
    moved = [(a, b) for a, b in zip(mine, yours, strict=True) if a != b]
    return f"in another order from {moved[:3]} on"


def _is_equal(mine: Any, yours: Any) -> bool:
    if mine == yours:
        return True
    # objects that are equal to none but themselves
    kind: Any = type(mine)
    return bool(kind.__eq__ is object.__eq__)


def fields(thing: Any) -> dict[str, Any]:
    """Give the fields of a playbook object, in an order of their own."""
    return {name: value for name, value in sorted(vars(thing).items()) if name not in OF_EACH}


def values(thing: Any) -> dict[str, Any]:
    """Give what is read of a playbook object, whether it is kept or a default."""
    return {
        **{name: outcome(functools.partial(getattr, thing, name)) for name in thing.fattributes},
        "kept": {name: value for name, value in fields(thing).items() if name in KEPT_BESIDE},
    }


def outcome(work: Callable[[], Any]) -> Any:
    """Give what it gives, or the error as text."""
    try:
        return work()
    except Exception as error:  # noqa: BLE001 # an error is an answer, too
        return f"{type(error).__name__}: {error}"


class Shadows:
    """The methods that stand before the shortcuts."""

    def __init__(self, report: Report) -> None:
        self.report = report

    def install(self) -> None:
        """Stand before all of them; assumes that the shortcuts are installed."""
        answers: tuple[tuple[Any, str], ...] = (
            (VariableManager, "get_vars"),
            (ConfigManager, "get_config_value_and_origin"),
            (ConfigManager, "get_plugin_options_and_origins"),
            (ConfigManager, "get_plugin_vars"),
            (core_task, "_get_action_arg_defaults"),
            (_profiles.AnsibleProfileJSONDecoder, "raw_decode"),
            (Attribute, "__get__"),
            (FieldAttribute, "__get__"),
            (PlayContext, "set_task_and_variable_override"),
            (FieldAttributeBase, "copy"),
            (FieldAttributeBase, "dump_attrs"),
            (core_vars, "transform_to_native_types"),
            (vars_manager, "get_vars_from_path"),
            (vars_manager, "get_vars_from_inventory_sources"),
            (getattr(task_result, "_RawTaskResult", None), "as_callback_task_result"),
        )
        for owner, name in answers:
            if owner is not None:
                self._stand(owner, name, self._compare_answers)
        self._stand(FieldAttributeBase, "squash", self._compare_things)
        self._stand(FieldAttributeBase, "post_validate", self._compare_things)
        self._stand(TemplateEngine, "template", self._compare_text)
        used_by: Any = workers
        used_by.squashed_copy = self._compare_copies
        used_by = modules
        used_by.encoded = self._compare_texts_for_modules
        lazy = _lazy_containers._AnsibleLazyTemplateDict
        shortened = lazy._lazy_values
        lazy._lazy_values = staticmethod(functools.partial(self._compare_wrappers, shortened))
        lazy._lazy_values.herder_original = shortened.herder_original
        for name in ("_get_connection", "_set_become_plugin"):
            self._remember_context(name)
        executor: Any = StepExecutor
        executor._set_connection_options = self._connection_options(
            executor._set_connection_options
        )

    def _stand(self, owner: Any, name: str, compare: Callable[..., Any]) -> None:
        short = getattr(owner, name)

        @functools.wraps(short)
        def method(*args: Any, **words: Any) -> Any:
            return compare(name, short, short.herder_original, *args, **words)

        setattr(owner, name, method)

    def _compare_answers(self, name: str, short: Any, long: Any, *args: Any, **words: Any) -> Any:
        before = outcome(lambda: long(*args, **words))
        try:
            answer = short(*args, **words)
        except Exception as error:
            self.report.take(name, difference(f"{type(error).__name__}: {error}", before))
            raise
        found = _different(answer, before)
        if name == "get_vars" and found is not None and "in another order" in found:
            # names that are weaker and stronger than what is registered may lie elsewhere
            found = difference(in_order_of_names(answer), in_order_of_names(before))
        if found is not None and _different(before, outcome(lambda: long(*args, **words))):
            # changed in the meantime, or by being asked
            found = None
        where = f"{args[1:]} {sorted(words)} " if found else ""
        self.report.take(name, found and f"{where[:200]}{found}")
        return answer

    def _compare_things(
        self, name: str, short: Any, long: Any, thing: Any, *args: Any, **words: Any
    ) -> Any:
        given = vars(thing).copy()

        def validated(way: Any) -> Any:
            twin = object.__new__(type(thing))
            twin.__dict__.update(
                {
                    key: copy.copy(held) if isinstance(held, (list, dict)) else held
                    for key, held in given.items()
                }
            )
            failure = outcome(lambda: way(twin, *args, **words))
            return failure or values(twin)

        first = validated(long)
        second = validated(short)
        found = difference(second, first)
        if found is not None and difference(first, validated(long)) is not None:
            found = None
        self.report.take(name, found and f"{thing} {found}")
        return short(thing, *args, **words)

    def _compare_copies(self, task: Any) -> Any:
        made, long = squashed_copy(task), copy_beside_parent(task)
        if type(task) in (Task, Handler):
            FieldAttributeBase.squash.herder_original(long)
        self.report.take("squashed_copy", difference(fields(made), fields(long)))
        return made

    def _compare_texts_for_modules(self, value: Any, profile: str) -> bytes:
        made = encoded(value, profile)
        encoder = get_module_encoder(profile, Direction.CONTROLLER_TO_MODULE)
        long = json.dumps(value, cls=encoder).encode()
        self.report.take("encoded", None if made == long else f"{made!r}, long {long!r}")
        return made

    def _compare_text(
        self, name: str, short: Any, long: Any, engine: Any, variable: Any, **words: Any
    ) -> Any:
        answer = short(engine, variable, **words)
        if isinstance(variable, str) and "{" not in variable:
            self.report.take(name, difference(answer, long(engine, variable, **words)))
        return answer

    def _compare_wrappers(self, short: Any, values: Any, lazy_options: Any) -> Any:
        answer = short(values, lazy_options)
        wrapped = dict(short(values, lazy_options).source)
        plain = dict(short.herder_original(values, lazy_options).source)
        is_same = list(wrapped) == list(plain) and all(
            wrapped[key].value is plain[key].value for key in plain
        )
        self.report.take("_lazy_values", None if is_same else f"{list(plain)}")
        return answer

    def _remember_context(self, name: str) -> None:
        own = getattr(StepExecutor, name)

        @functools.wraps(own)
        def method(executor: Any, *args: Any) -> Any:
            executor.shadow_context = copy.copy(executor._play_context)
            return own(executor, *args)

        setattr(StepExecutor, name, method)

    def _connection_options(self, own: Callable[..., Any]) -> Callable[..., Any]:
        def method(executor: Any, variables: Any, templar: Any) -> Any:
            is_adopted = executor._is_adopted and executor._prepared is not None
            context = getattr(executor, "shadow_context", None)
            names = own(executor, variables, templar)
            if is_adopted:
                kept = _prepared_state(executor, variables, names)
                made = outcome(lambda: _long_state(executor, context, variables, templar))
                self.report.take("connection", difference(kept, made))
            else:
                self.report.take("connection made", None)
            return names

        return method


def _long_state(executor: Any, context: Any, variables: Any, templar: Any) -> Any:
    """Prepare another connection for the same task as ansible-core does."""
    twin = copy.copy(executor)
    twin._prepared, twin._wanted, twin._is_adopted = None, None, False
    twin._play_context = copy.copy(context)
    name = executor._prepared.name
    twin._connection = TaskExecutor._get_connection(twin, variables, templar, name)
    names = TaskExecutor._set_connection_options(twin, variables, templar)
    twin._carrier.take_over(twin._connection)
    twin._prepare(twin._connection, variables, templar)
    return _prepared_state(twin, variables, names)


def _prepared_state(executor: Any, variables: Any, names: list[str]) -> dict[str, Any]:
    connection = executor._connection
    plugins = {"connection": connection, "shell": connection._shell, "become": connection.become}
    told: dict[str, Any] = {}
    connection._play_context = executor._play_context
    connection.update_vars(told)
    return {
        "options": {kind: plugin and dict(plugin._options) for kind, plugin in plugins.items()},
        "kinds": {kind: plugin and plugin._load_name for kind, plugin in plugins.items()},
        "names": list(names),
        "context": fields(executor._play_context),
        "interpreters": connection.herder_interpreters,
        "host": connection.herder_host,
        "route": connection.herder_route(),
        "told": told,
        "environment": dict(connection._shell.env),
    }


def _different(mine: Any, yours: Any) -> str | None:
    if isinstance(mine, FieldAttributeBase) and isinstance(yours, FieldAttributeBase):
        return difference(fields(mine), fields(yours))
    if hasattr(mine, "_return_data"):
        return difference(vars(mine), vars(yours))
    return difference(mine, yours)


def main(report_file: str, words: list[str]) -> int:
    """Run the playbook command with shadows; its exit code."""
    install_shortcuts()
    report = Report()
    Shadows(report).install()
    try:
        return playbook.main(words)
    finally:
        report.write(Path(report_file))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
