"""A setting's value, worked out once for all that it follows from.

ansible-core asks its configuration two dozen times for each task and host.

*Source*: ansible-core 2.19 and 2.21 config/manager.py, `get_config_value_and_origin`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible import context

from herder.language.shortcuts.kept import Kept

_answers = Kept()
_read = Kept()


def value_and_origin(
    original: Callable[..., Any],
    config: Any,
    name: Any,
    cfile: Any = None,
    plugin_type: Any = None,
    plugin_name: Any = None,
    keys: Any = None,
    variables: Any = None,
    direct: Any = None,
    **words: Any,
) -> Any:
    """A setting follows from its definition, the command line, the environment and variables."""

    def looked_up() -> Any:
        return original(
            config,
            name,
            cfile=cfile,
            plugin_type=plugin_type,
            plugin_name=plugin_name,
            keys=keys,
            variables=variables,
            direct=direct,
            **words,
        )

    # since 2.21 a templar can be given, which renders what is found
    if keys or direct or cfile is not None or plugin_type is not None or any(words.values()):
        return looked_up()
    sources = _read.get((id(config), name)) or _sources(config, name)
    if sources is None:
        return looked_up()
    told = tuple(map(_environment, sources.environment))
    given = tuple(map(variables.get, sources.variables)) if variables else ()
    key = (sources, told, given, tuple(map(type, given)), id(context.CLIARGS))
    try:
        found = _answers.get(key)
    except TypeError:
        return looked_up()
    if found is None:
        answer = looked_up()
        if any(isinstance(value, str) and "{" in value for value in given):
            # a template that is trusted equals one that is not
            return answer
        # what lies in the key by its id is kept with the answer
        found = _answers.keep(key, (answer, context.CLIARGS))
    value, origin = found[0]
    return (value.copy() if isinstance(value, (list, dict, set)) else value), origin


@dataclass(frozen=True, eq=False)
class _Sources:
    """Names in variables and in the environment from which a setting is read.

    Equal only to itself; it keeps the configuration, whose id stands for it.
    """

    config: Any
    variables: tuple[str, ...]
    environment: tuple[Any, ...]


def _sources(config: Any, name: Any) -> _Sources | None:
    """Give a setting's sources; None when a default may be a template of variables."""
    definition = config.get_configuration_definitions().get(name)
    if definition is None or "{" in str(definition.get("default")):
        return None
    sources = _Sources(
        config,
        variables=tuple(entry["name"] for entry in definition.get("vars") or ()),
        environment=tuple(os.fsencode(entry["name"]) for entry in definition.get("env") or ()),
    )
    kept: _Sources = _read.keep((id(config), name), sources)
    return kept


# The mapping below `os.environ`, which encodes and decodes at each look.
_environment: Callable[[bytes], bytes | None] = os.environ._data.get  # type: ignore[attr-defined]
