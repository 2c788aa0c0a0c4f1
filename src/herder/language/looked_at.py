"""Tells a trail what decides where a run connects: every path ansible-core looks at for it.

Files are read and looked for through its DataLoader; inventory sources, and the directories of
group_vars and host_vars, are looked at by what is named in `install`. What a program, an inventory
plugin or a person's answer decides cannot be told by paths: the trail is lost then.

*Source*: ansible-core 2.19 and 2.21 parsing/dataloader.py, inventory/manager.py,
plugins/vars/host_group_vars.py, config/manager.py (`find_ini_config_file`).
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any

import ansible.plugins.inventory as core_inventory
from ansible import constants, context, release
from ansible.inventory.manager import InventoryManager
from ansible.module_utils.common.text.converters import to_text
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import vars_loader
from ansible.plugins.vars import host_group_vars
from ansible.utils.path import basedir
from ansible.vars import manager as vars_manager
from ansible.vars import plugins as vars_plugins

from herder.language.exchanged import around
from herder.model.ports import Trail

# They give what their one file or their words say, and nothing else.
STATIC_INVENTORIES = ("advanced_host_list", "host_list", "ini", "toml", "yaml")
QUESTIONS = ("ask_pass", "ask_vault_pass", "become_ask_pass")
CONFIGURATION = "ansible.cfg"

_CORE_INVENTORIES = os.path.dirname(core_inventory.__file__)


def install(trail: Trail) -> None:
    """Tell this trail from now on, and no other."""
    _saw_start(trail)
    for owner, name, ours in (
        (DataLoader, "_get_file_contents", _looking),
        (DataLoader, "path_exists", _looking),
        (DataLoader, "is_file", _looking),
        (DataLoader, "is_directory", _looking),
        (DataLoader, "is_executable", _looking),
        (DataLoader, "list_directory", _listing),
        (InventoryManager, "parse_sources", _parsing),
        (InventoryManager, "parse_source", _parsing_one),
        (InventoryManager, "_fetch_inventory_plugins", _choosing),
        (vars_plugins, "get_vars_from_path", _beside),
        (vars_manager, "get_vars_from_path", _beside),
    ):
        method = getattr(owner, name)
        original = getattr(method, "herder_trailed", method)
        setattr(owner, name, _telling(original, functools.partial(ours, trail), trail))


def _telling(original: Callable[..., Any], ours: Callable[..., Any], trail: Trail) -> Any:
    """Stand before a method as long as the trail is open; later it costs next to nothing."""
    before = around(original, ours)

    @functools.wraps(original)
    def method(*args: Any, **words: Any) -> Any:
        return (before if trail.is_open else original)(*args, **words)

    method.herder_trailed = original  # type: ignore[attr-defined] # marks what is installed
    return method


def _saw_start(trail: Trail) -> None:
    """What was read before anybody could look: the configuration, and which ansible-core it is."""
    trail.saw(os.path.abspath(release.__file__))
    trail.saw(os.path.abspath(CONFIGURATION))
    for place in (f"~/.{CONFIGURATION}", f"/etc/ansible/{CONFIGURATION}", constants.CONFIG_FILE):
        if place:
            trail.saw(os.path.abspath(os.path.expanduser(to_text(place))))


def _looking(
    trail: Trail, original: Callable[..., Any], loader: Any, path: Any, *args: Any, **words: Any
) -> Any:
    _tell_of(trail.saw, loader, path)
    return original(loader, path, *args, **words)


def _listing(
    trail: Trail, original: Callable[..., Any], loader: Any, path: Any, *args: Any, **words: Any
) -> Any:
    _tell_of(trail.listed, loader, path)
    return original(loader, path, *args, **words)


def _tell_of(note: Callable[[str], None], loader: Any, path: Any) -> None:
    if path and isinstance(path, (str, bytes)):
        note(str(loader.path_dwim(path)))


def _parsing(trail: Trail, original: Callable[..., Any], *args: Any, **words: Any) -> Any:
    """The first that happens when all options are known."""
    options = context.CLIARGS
    has_agent = constants.config.get_config_value("SSH_AGENT") != "none"
    if has_agent or any(options.get(name) for name in QUESTIONS):
        # with an agent of its own ansible-core can put a key into it that lasts for this run
        trail.lose()
    trail.bound(int(options.get("forks") or 1))
    for limit in (options.get("subset") or "").split(","):
        if limit.startswith("@"):
            trail.saw(os.path.abspath(os.path.expanduser(limit[1:])))
    return original(*args, **words)


def _parsing_one(
    trail: Trail, original: Callable[..., Any], manager: Any, source: Any, *args: Any, **words: Any
) -> Any:
    path = os.path.abspath(to_text(source))
    (trail.listed if os.path.isdir(path) else trail.saw)(path)
    return original(manager, source, *args, **words)


def _choosing(trail: Trail, original: Callable[..., Any], *args: Any) -> Any:
    """Whoever reads a source may be one that asks somebody else."""
    plugins = original(*args)
    for plugin in plugins:
        if not _is_static(plugin):
            plugin.parse = functools.partial(_parsed_by_program, trail, plugin.parse)
    return plugins


def _is_static(plugin: Any) -> bool:
    folder, name = os.path.split(str(plugin._original_path))
    return folder == _CORE_INVENTORIES and os.path.splitext(name)[0] in STATIC_INVENTORIES


def _parsed_by_program(trail: Trail, parse: Callable[..., Any], *args: Any, **words: Any) -> Any:
    # `auto` looks at every YAML file first, and is refused by those that name no plugin
    answer = parse(*args, **words)
    trail.lose()
    return answer


@functools.lru_cache(maxsize=1000)
def _place(path: str) -> str:
    return os.path.realpath(basedir(path))


def _beside(
    trail: Trail, original: Callable[..., Any], loader: Any, path: Any, *args: Any, **words: Any
) -> Any:
    for name in ("group_vars", "host_vars"):
        trail.listed(os.path.join(_place(path), name))
    answer = original(loader, path, *args, **words)
    plugins = vars_loader._plugin_instance_cache or {}
    if any(type(plugin) is not host_group_vars.VarsModule for plugin, _ in plugins.values()):
        trail.lose()
    return answer
