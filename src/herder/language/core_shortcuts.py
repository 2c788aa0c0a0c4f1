"""What ansible-core works out anew for every task and host, worked out once.

ansible-core forks a process for each task and host, which forgets at its end what it worked out.
Here all of them are threads of one process, so it can be kept. Every shortcut gives what the long
way gives: its key holds all that the answer depends on and that can change in a run, and what
cannot be a key takes the long way. Installed once per process.

*Source*: ansible-core 2.19 and 2.21, the methods that are named in `install`.
"""

from __future__ import annotations

import argparse
import copy
import os
from collections.abc import Callable, Hashable, Mapping
from typing import Any

from ansible import constants
from ansible._internal._templating._engine import TemplateEngine
from ansible.config.manager import ConfigManager
from ansible.executor import module_common, task_result
from ansible.module_utils._internal import _traceback
from ansible.playbook import task as core_task
from ansible.playbook.base import FieldAttributeBase
from ansible.playbook.play_context import PlayContext
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import PluginLoader
from ansible.utils import vars as core_vars
from ansible.vars import manager as vars_manager
from ansible.vars import plugins as vars_plugins
from ansible.vars.manager import VariableManager

from herder.language import core_attributes, core_json, core_variables
from herder.language.beside_vars import vars_beside
from herder.language.core_fields import (
    UNCHANGEABLE,
    copy_fields,
    dump_attrs,
    post_validate,
    set_fields,
    squash,
)
from herder.language.core_results import callback_result
from herder.language.core_templates import template_or_text
from herder.language.exchanged import around
from herder.language.kept import Kept
from herder.language.kept_contexts import overridden
from herder.language.kept_settings import value_and_origin
from herder.language.lazy_variables import keep_wrappers


def install() -> None:
    """Exchange the methods; a second call changes nothing."""
    exchanged: tuple[tuple[Any, str, Callable[..., Any]], ...] = (
        (PluginLoader, "find_plugin_with_context", _find_plugin),
        (PluginLoader, "all", _all_plugins),
        (PluginLoader, "_update_object", _note_origin),
        *((owner, "_get_action_arg_defaults", _module_defaults) for owner in _KNOW_DEFAULTS),
        (ActionBase, "_find_needle", _find_file),
        (ConfigManager, "get_plugin_options_and_origins", _plugin_options),
        (ConfigManager, "get_plugin_vars", _plugin_variables),
        (FieldAttributeBase, "post_validate", post_validate),
        (FieldAttributeBase, "copy", copy_fields),
        (FieldAttributeBase, "from_attrs", set_fields),
        (FieldAttributeBase, "squash", squash),
        (FieldAttributeBase, "dump_attrs", dump_attrs),
        (PlayContext, "set_task_and_variable_override", overridden),
        (ConfigManager, "get_config_value_and_origin", value_and_origin),
        (TemplateEngine, "template", template_or_text),
        (core_vars, "transform_to_native_types", _native),
        (vars_plugins, "get_vars_from_path", vars_beside),
        (vars_manager, "get_vars_from_path", vars_beside),
        (vars_plugins, "get_vars_from_inventory_sources", vars_beside),
        (vars_manager, "get_vars_from_inventory_sources", vars_beside),
        # 2.19 only: later ones make a callback's result when it is first read
        (getattr(task_result, "_RawTaskResult", None), "as_callback_task_result", callback_result),
        (argparse, "_", _translated),
        (_traceback, "traceback_for", _tracebacks_for),
        (VariableManager, "get_vars", core_variables.get_vars),
        (VariableManager, "set_nonpersistent_facts", core_variables.set_registered),
        *(
            (VariableManager, name, core_variables.note_deep_change)
            for name in ("set_host_facts", "set_host_variable", "clear_facts")
        ),
        *(
            (owner, name, core_variables.note_inventory_change)
            for owner, names in core_variables.CHANGES_OF_INVENTORY
            for name in names
        ),
    )
    for owner, name, shortened in exchanged:
        original = getattr(owner, name, None)
        if original is not None and not hasattr(original, "herder_original"):
            setattr(owner, name, around(original, shortened))

    keep_wrappers()
    core_attributes.install()
    core_json.install()


_plugins_found = Kept()
_plugin_paths = Kept()
_options_found = Kept()
_options_read = Kept()


def _find_plugin(
    original: Callable[..., Any], loader: Any, name: str, *args: Any, **kw: Any
) -> Any:
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


def _note_origin(original: Callable[..., Any], loader: Any, *, obj: Any, **words: Any) -> None:
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
_KNOW_DEFAULTS = (module_common, core_task)


def _module_defaults(
    original: Callable[..., Any], action: Any, task: Any, templar: Any
) -> dict[str, Any]:
    """Where there are no module_defaults, there are none for this action."""
    if task._parent._play._action_groups is None or task.module_defaults:
        found: dict[str, Any] = original(action, task, templar)
        return found
    return {}


_variables_of_plugins = Kept()


def _plugin_variables(original: Callable[..., Any], config: Any, kind: str, name: str) -> list[str]:
    """From which variables a plugin's options may come follows from its definitions."""
    definitions = config.get_configuration_definitions(plugin_type=kind, name=name)
    key = (id(definitions), len(definitions))
    found = _variables_of_plugins.get(key)
    if found is None:
        # the definitions are kept too, so that their id stays theirs
        found = _variables_of_plugins.keep(key, (definitions, original(config, kind, name)))
    names: list[str] = found[1].copy()
    return names


_files_found = Kept()


def _find_file(original: Callable[..., Any], action: Any, dirname: str, needle: str) -> Any:
    """The file that a task sends to one host is where it was for the host before."""
    key = (action._task._uuid, dirname, needle)
    found = _files_found.get(key)
    if found is None or not os.path.exists(found):
        found = _files_found.keep(key, original(action, dirname, needle))
    return found


def _all_plugins(original: Callable[..., Any], loader: Any, *args: Any, **kwargs: Any) -> Any:
    """The paths of all plugins of a kind; anything else is what ansible-core gives."""
    if args or kwargs != {"path_only": True}:
        return original(loader, *args, **kwargs)
    key = (id(loader), tuple(loader._extra_dirs))
    paths = _plugin_paths.get(key)
    if paths is None:
        paths = _plugin_paths.keep(key, tuple(original(loader, path_only=True)))
    return iter(paths)


def _plugin_options(
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


def _native(original: Callable[..., Any], value: Any, redact: bool = True) -> Any:
    """Plain values need only be copied; whatever else is in them takes the long way."""
    kind = type(value)
    if kind in UNCHANGEABLE:
        return value
    if kind is dict:
        if all(map(UNCHANGEABLE.__contains__, map(type, value))):
            return {
                name: held if type(held) in UNCHANGEABLE else _native(original, held, redact)
                for name, held in value.items()
            }
        return {
            _native(original, name, redact): _native(original, held, redact)
            for name, held in value.items()
        }
    if kind is list:
        return [
            held if type(held) in UNCHANGEABLE else _native(original, held, redact)
            for held in value
        ]
    return original(value, redact)


_traceback_events = Kept()


def _tracebacks_for(original: Callable[[], list[str]]) -> list[str]:
    """Which tracebacks modules are to send follows from one setting, and is asked for each task."""
    wanted = constants.config.get_config_value("DISPLAY_TRACEBACK")
    key = (_traceback._is_traceback_enabled, *wanted)
    events = _traceback_events.get(key)
    return list(_traceback_events.keep(key, tuple(original())) if events is None else events)


_translations: dict[str, str] = {}


def _translated(original: Callable[[str], str], text: str) -> str:
    """argparse looks on the disk for a translation of its words; each ssh connection asks it."""
    return _translations.get(text) or _translations.setdefault(text, original(text))
