"""A setting's value, worked out once for all that it follows from.

ansible-core asks its configuration two dozen times for each task and host.

*Source*: ansible-core 2.19 and 2.21 config/manager.py, `get_config_value_and_origin`.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Hashable, Mapping
from typing import Any

from ansible import context

from herder.language.kept import Kept

_found = Kept()
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
    if any(words.values()) or keys or direct or cfile is not None or plugin_type is not None:
        return looked_up()
    key = _key(config, name, variables)
    if key is None:
        return looked_up()
    found = _found.get(key)
    if found is None:
        # what lies in the key by its id is kept with the answer
        found = _found.keep(key, (looked_up(), config, context.CLIARGS))
    value, origin = found[0]
    return (copy.copy(value) if isinstance(value, (list, dict, set)) else value), origin


def _key(config: Any, name: Any, variables: Mapping[str, Any] | None) -> Hashable | None:
    names = _read.get((id(config), name))
    if names is None:
        definition = config.get_configuration_definitions().get(name)
        if definition is None:
            return None
        # a default may be a template of variables
        is_plain = "{" not in str(definition.get("default"))
        in_variables = tuple(entry["name"] for entry in definition.get("vars") or ())
        in_environment = tuple(entry["name"] for entry in definition.get("env") or ())
        names = (is_plain, in_variables, in_environment, config)
        _read.keep((id(config), name), names)
    is_plain, in_variables, in_environment, _config = names
    if not is_plain:
        return None
    given = [variables.get(each) for each in in_variables] if variables else []
    if any(isinstance(value, str) and "{" in value for value in given):
        # a template that is trusted equals one that is not
        return None
    told = [os.environ.get(each) for each in in_environment]
    key = (
        id(config),
        name,
        id(context.CLIARGS),
        tuple(told),
        tuple((type(value), value) for value in given),
    )
    try:
        hash(key)
    except TypeError:
        return None
    return key
