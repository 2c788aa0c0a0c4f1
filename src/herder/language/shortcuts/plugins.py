"""Which plugin a name means and what its options are, worked out once.

*Source*: ansible-core 2.19 and 2.21 plugins/loader.py and config/manager.py.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Hashable, Mapping
from typing import Any

from herder.language.shortcuts.kept import Kept

_plugins_found = Kept()
_plugin_paths = Kept()
_options_found = Kept()
_options_read = Kept()


def find_plugin(original: Callable[..., Any], loader: Any, name: str, *args: Any, **kw: Any) -> Any:
    """Where ansible-core's own plugins are does not change; directories of plugins may be added.

    Of ansible.legacy found ones only: what is not found may be put there by an earlier task.
    """
    if not name.startswith(("ansible.builtin.", "ansible.legacy.")):
        return original(loader, name, *args, **kw)
    given = [tuple(value) if isinstance(value, list) else value for value in (*args, *kw.values())]
    key = (id(loader), tuple(loader._extra_dirs), name, len(args), *kw, *given)
    found = _plugins_found.get(key)
    if found is None:
        found = original(loader, name, *args, **kw)
        is_lasting = found.resolved or name.startswith("ansible.builtin.")
        if is_lasting and not (found.raw_error_list or found.deprecated):
            lists = tuple(name for name, value in vars(found).items() if type(value) is list)
            _plugins_found.keep(key, (_own_copy(found, lists), lists))
        return found
    return _own_copy(*found)


def _own_copy(context: Any, lists: tuple[str, ...]) -> Any:
    twin = object.__new__(type(context))
    fields = twin.__dict__
    fields.update(context.__dict__)
    for name in lists:
        fields[name] = fields[name].copy()
    return twin


def note_origin(original: Callable[..., Any], loader: Any, *, obj: Any, **words: Any) -> None:
    """Tell a plugin's class where it came from only once.

    Each write to a class makes Python forget what it knows of the attributes of all its objects.
    """
    if not isinstance(obj, type):
        original(loader, obj=obj, **words)
        return
    told = obj.__dict__.get(_TOLD)
    if told != words:
        original(loader, obj=obj, **words)
        setattr(obj, _TOLD, copy.deepcopy(words))


_TOLD = "herder_told"


_variables_of_plugins = Kept()


def plugin_variables(original: Callable[..., Any], config: Any, kind: str, name: str) -> list[str]:
    """From which variables a plugin's options may come follows from its definitions."""
    definitions = config.get_configuration_definitions(plugin_type=kind, name=name)
    key = (id(definitions), len(definitions))
    found = _variables_of_plugins.get(key)
    if found is None:
        # the definitions are kept too, so that their id stays theirs
        found = _variables_of_plugins.keep(key, (definitions, original(config, kind, name)))
    names: list[str] = found[1].copy()
    return names


def all_plugins(original: Callable[..., Any], loader: Any, *args: Any, **kwargs: Any) -> Any:
    """The paths of all plugins of a kind; anything else is what ansible-core gives."""
    if args or kwargs != {"path_only": True}:
        return original(loader, *args, **kwargs)
    key = (id(loader), tuple(loader._extra_dirs))
    paths = _plugin_paths.get(key)
    if paths is None:
        paths = _plugin_paths.keep(key, tuple(original(loader, path_only=True)))
    return iter(paths)


def plugin_options(
    original: Callable[..., Any],
    config: Any,
    plugin_type: str,
    name: str,
    keys: Mapping[str, Any] | None = None,
    variables: Mapping[str, Any] | None = None,
    direct: Mapping[str, Any] | None = None,
) -> Any:
    """A plugin's options follow from its definitions, a few keywords and a few variables."""
    key = None if direct else _options_key(config, plugin_type, name, keys, variables)
    if key is None:
        return original(config, plugin_type, name, keys=keys, variables=variables, direct=direct)
    found = _options_found.get(key)
    if found is None:
        found = original(config, plugin_type, name, keys=keys, variables=variables)
        _options_found.keep(key, found)
    options, origins = found
    return {name: copy.copy(value) for name, value in options.items()}, dict(origins)


def _options_key(
    config: Any,
    plugin_type: str,
    name: str,
    keys: Mapping[str, Any] | None,
    variables: Mapping[str, Any] | None,
) -> Hashable | None:
    definitions = config.get_configuration_definitions(plugin_type=plugin_type, name=name)
    place = (id(definitions), len(definitions))
    read = _options_read.get(place)
    if read is None:
        # the definitions are kept too, so that their id stays theirs
        read = _options_read.keep(place, (definitions, *_names_read(definitions)))
    _kept, keywords, names, environment = read
    values = [*_values(keys or {}, keywords), *_values(variables or {}, names)]
    outside = (id(config), config._config_file, *map(os.environ.get, environment))
    key = (plugin_type, name, place, bool(keys), bool(variables), outside, *values)
    try:
        hash(key)
    except TypeError:
        return None
    return key


def _names_read(definitions: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    """Give the keywords, the variables and the environment's names that options are read from."""
    keywords, names, environment = set(definitions), set(), set()
    for definition in definitions.values():
        keywords |= {entry["name"] for entry in definition.get("keyword") or ()}
        keywords |= set(definition.get("aliases") or ())
        names |= {entry["name"] for entry in definition.get("vars") or ()}
        environment |= {entry["name"] for entry in definition.get("env") or ()}
    return tuple(sorted(keywords)), tuple(sorted(names)), tuple(sorted(environment))


def _values(source: Mapping[str, Any], names: tuple[str, ...]) -> list[Any]:
    """Give type and value of each; True and 1 must not be the same key."""
    found = [source.get(name) for name in names]
    return [None if value is None else (type(value), value) for value in found]
