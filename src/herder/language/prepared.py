"""A connection plugin with its options set, kept for the next task of its host.

For each task ansible-core makes the connection, shell and become plugins anew and works out their
options from the task, the play context and the host's variables. The next task of a host nearly
always asks for the same: then it gets the same plugins.

Law: a connection is given again only for a key that holds all that its options follow from, what
templates give included. For a delegated task, or a value that cannot be a key, the task makes its
own. A task that failed gives nothing back.

*Source*: ansible-core 2.19 and 2.21 executor/task_executor.py (`_get_connection`,
`_set_become_plugin`, `_set_connection_options`), plugins/__init__.py (`set_options`).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible import constants
from ansible.errors import AnsibleError

from herder.language.shortcuts.fields import field_values

# What `set_task_and_variable_override` and the command line put into a play context.
CONTEXT_FIELDS = (
    "become",
    "become_exe",
    "become_flags",
    "become_method",
    "become_pass",
    "become_user",
    "connection",
    "connection_user",
    "executable",
    "network_os",
    "password",
    "pipelining",
    "port",
    "private_key_file",
    "remote_addr",
    "remote_user",
    "shell",
    "timeout",
)
BECOME_VARIABLES = ("ansible_become", "ansible_become_method")
INTERPRETER_SETTINGS = ("INTERPRETER_PYTHON", "INTERPRETER_PYTHON_FALLBACK")
_PLAIN = (str, int, bool, float, type(None))


class _NotPlain(Exception):
    """A value that may mean something else for the next task."""


@dataclass(frozen=True)
class Wish:
    """What a task wants its connection for; `name` is that of the connection plugin."""

    host: str
    name: Any
    task: Any
    context: Any
    variables: Mapping[str, Any]
    templar: Any

    def value(self, name: str) -> Any:
        """Give a variable's value, templates in it rendered. *Raises*: _NotPlain."""
        value = self.variables.get(name)
        if isinstance(value, str) and "{" in value:
            try:
                value = self.templar.template(value)
            except AnsibleError:
                # told by who needs it
                raise _NotPlain from None
        return value


@dataclass(frozen=True)
class Names:
    """What the options of a connection's plugins may follow from."""

    variables: tuple[str, ...]
    keywords: tuple[str, ...]


@dataclass(eq=False)
class Prepared:
    """A connection whose options are set.

    *Shapes*: `consumed` is what `_set_connection_options` gives; `context` is what preparing it
    set in the play context; `interpreters` the raw variables that say which Python is meant.
    """

    key: Hashable
    name: Any
    connection: Any
    consumed: list[str]
    context: dict[str, Any]
    interpreters: tuple[Any, ...]


class PreparedConnections:
    """Those of a run that no task is using."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, Prepared] = {}
        self._names: dict[Hashable, Names] = {}
        self.interpreter_variables = tuple(
            entry["name"]
            for setting in INTERPRETER_SETTINGS
            for entry in constants.config.get_configuration_definition(setting).get("vars") or ()
        )

    def key(self, wish: Wish) -> Hashable | None:
        """Give what a task's connection follows from; None when it is the task's own."""
        if wish.task.delegate_to is not None:
            return None
        try:
            kind = _kind(wish)
            names = self._names.get(kind)
            if names is None:
                return None
            given = tuple(filter(wish.variables.__contains__, names.variables))
            values = [
                *field_values(wish.task, names.keywords),
                *field_values(wish.context, CONTEXT_FIELDS),
                *map(wish.value, given),
            ]
            return (wish.host, kind, given, *_all_plain(values))
        except _NotPlain:
            return None

    def learn(self, wish: Wish, connection: Any) -> None:
        """Take from a connection's plugins what their options follow from."""
        if connection.allow_extras or getattr(connection, "_sub_plugin", None):
            return
        plugins = [("connection", connection), ("shell", connection._shell)]
        if connection.become is not None:
            plugins.append(("become", connection.become))
        try:
            kind = _kind(wish)
        except _NotPlain:
            return
        if kind not in self._names:
            self._names[kind] = self._names_of(plugins)

    def take(self, key: Hashable | None) -> Prepared | None:
        """Give the connection of this key to one task, until `give_back`."""
        return self._kept.pop(key, None) if key is not None else None

    def give_back(self, prepared: Prepared) -> None:
        """The task is over and all went well."""
        # whose key went into an ssh agent looks for each task whether it is still there
        if getattr(prepared.connection, "_populated_agent", None) is None:
            self._kept[prepared.key] = prepared

    def interpreters(self, variables: Mapping[str, Any]) -> tuple[Any, ...]:
        """Give the raw values that say which Python is meant."""
        return tuple(variables.get(name) for name in self.interpreter_variables)

    def _names_of(self, plugins: Iterable[tuple[str, Any]]) -> Names:
        variables = {*BECOME_VARIABLES, *constants.COMMON_CONNECTION_VARS}
        variables.update(*constants.MAGIC_VARIABLE_MAPPING.values())
        keywords: set[str] = set()
        for kind, plugin in plugins:
            variables.update(constants.config.get_plugin_vars(kind, plugin._load_name))
            definitions = constants.config.get_configuration_definitions(kind, plugin._load_name)
            for definition in definitions.values():
                keywords.update(entry["name"] for entry in definition.get("keyword") or ())
                keywords.update(definition.get("aliases") or ())
            keywords.update(definitions)
        variables.difference_update(self.interpreter_variables)
        return Names(tuple(sorted(variables)), tuple(sorted(keywords)))


def is_fixed(value: Any) -> bool:
    """Whether a value is the same for every task: nothing in it is a template."""
    return isinstance(value, _PLAIN) and not (isinstance(value, str) and "{" in value)


def _kind(wish: Wish) -> Hashable:
    task = wish.task
    values = [wish.name, task.become, task.become_method, *map(wish.value, BECOME_VARIABLES)]
    return _all_plain(values)


def _all_plain(values: Iterable[Any]) -> tuple[Hashable, Hashable]:
    """Give values and their types, as True and 1 are equal. *Raises*: _NotPlain."""
    parts = [_EMPTY if type(value) is list and not value else value for value in values]
    kinds = tuple(map(type, parts))
    for kind in set(kinds) - _plain_kinds:
        if not issubclass(kind, _PLAIN):
            raise _NotPlain
        _plain_kinds.add(kind)
    return kinds, tuple(parts)


# Stands for an empty list, which cannot be a part of a key.
_EMPTY = object()
_plain_kinds: set[type[Any]] = {*_PLAIN, object}
