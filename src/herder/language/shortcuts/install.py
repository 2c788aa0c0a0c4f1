"""What ansible-core works out anew for every task and host, worked out once.

ansible-core forks a process for each task and host, which forgets at its end what it worked out.
Here all of them are threads of one process, so it can be kept. Every shortcut gives what the long
way gives: its key holds all that the answer depends on and that can change in a run, and what
cannot be a key takes the long way. Installed once per process.

*Source*: ansible-core 2.19 and 2.21, the methods that are named in `install_shortcuts`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from ansible._internal._templating._engine import TemplateEngine
from ansible.config.manager import ConfigManager
from ansible.executor import module_common, task_result
from ansible.module_utils._internal import _traceback
from ansible.parsing.dataloader import DataLoader
from ansible.playbook import task as core_task
from ansible.playbook.base import FieldAttributeBase
from ansible.playbook.play_context import PlayContext
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import PluginLoader
from ansible.utils import vars as core_vars
from ansible.vars import manager as vars_manager
from ansible.vars import plugins as vars_plugins
from ansible.vars.manager import VariableManager

from herder.language.exchanged import around
from herder.language.shortcuts import attributes, facts, module_json, variables
from herder.language.shortcuts.beside_vars import vars_beside
from herder.language.shortcuts.contexts import overridden
from herder.language.shortcuts.fields import (
    copy_fields,
    dump_attrs,
    post_validate,
    set_fields,
    squash,
)
from herder.language.shortcuts.lazy_variables import keep_wrappers
from herder.language.shortcuts.plugins import (
    all_plugins,
    find_plugin,
    note_origin,
    plugin_options,
    plugin_variables,
)
from herder.language.shortcuts.read_files import load_from_file
from herder.language.shortcuts.results import callback_result, native
from herder.language.shortcuts.settings import value_and_origin
from herder.language.shortcuts.small_things import (
    find_file,
    module_defaults,
    tracebacks_for,
    translated,
)
from herder.language.shortcuts.templates import compile_once, template_or_text

_KNOW_DEFAULTS = (module_common, core_task)


def install_shortcuts() -> None:
    """Exchange the methods; a second call changes nothing."""
    exchanged: tuple[tuple[Any, str, Callable[..., Any]], ...] = (
        (PluginLoader, "find_plugin_with_context", find_plugin),
        (PluginLoader, "all", all_plugins),
        (PluginLoader, "_update_object", note_origin),
        *((owner, "_get_action_arg_defaults", module_defaults) for owner in _KNOW_DEFAULTS),
        (ActionBase, "_find_needle", find_file),
        (ConfigManager, "get_plugin_options_and_origins", plugin_options),
        (ConfigManager, "get_plugin_vars", plugin_variables),
        (FieldAttributeBase, "post_validate", post_validate),
        (FieldAttributeBase, "copy", copy_fields),
        (FieldAttributeBase, "from_attrs", set_fields),
        (FieldAttributeBase, "squash", squash),
        (FieldAttributeBase, "dump_attrs", dump_attrs),
        (PlayContext, "set_task_and_variable_override", overridden),
        (ConfigManager, "get_config_value_and_origin", value_and_origin),
        (TemplateEngine, "template", template_or_text),
        (core_vars, "transform_to_native_types", native),
        (vars_plugins, "get_vars_from_path", vars_beside),
        (vars_manager, "get_vars_from_path", vars_beside),
        (vars_plugins, "get_vars_from_inventory_sources", vars_beside),
        (vars_manager, "get_vars_from_inventory_sources", vars_beside),
        # 2.19 only: later ones make a callback's result when it is first read
        (getattr(task_result, "_RawTaskResult", None), "as_callback_task_result", callback_result),
        (argparse, "_", translated),
        (_traceback, "traceback_for", tracebacks_for),
        (DataLoader, "load_from_file", load_from_file),
        (VariableManager, "get_vars", variables.get_vars),
        (VariableManager, "set_nonpersistent_facts", variables.set_registered),
        *(
            (VariableManager, name, variables.note_deep_change)
            for name in ("set_host_facts", "set_host_variable", "clear_facts")
        ),
        *(
            (owner, name, variables.note_inventory_change)
            for owner, names in variables.CHANGES_OF_INVENTORY
            for name in names
        ),
    )
    for owner, name, shortened in exchanged:
        original = getattr(owner, name, None)
        if original is not None and not hasattr(original, "herder_original"):
            setattr(owner, name, around(original, shortened))

    keep_wrappers()
    attributes.install()
    module_json.install()
    facts.install()
    compile_once()
