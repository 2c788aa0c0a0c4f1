"""Variables from files beside the inventory and the playbook, found once for each host and group.

*Source*: ansible-core 2.19 and 2.21 vars/plugins.py, plugins/vars/host_group_vars.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ansible.plugins.loader import vars_loader
from ansible.plugins.vars import host_group_vars

from herder.language.shortcuts.kept import Kept

_vars_found = Kept()


def vars_beside(
    original: Callable[..., Any],
    loader: Any,
    places: str | Sequence[str | None],
    entities: Any,
    stage: str,
) -> Any:
    """ansible-core's own vars plugin reads each file of group_vars and host_vars once only.

    So it gives the same for the same hosts and groups from then on; other plugins may not. Looking
    whether an inventory source is a directory costs as much, for each task and host three times.
    """
    if vars_loader._paths is None or not has_only_the_built_in():
        return original(loader, places, entities, stage)
    every = entities if isinstance(entities, list) else [entities]
    where = places if isinstance(places, str) else tuple(places)
    key = (id(loader), where, stage, *((each.base_type, each.name) for each in every))
    found = _vars_found.get(key)
    if found is None:
        # the loader is kept too, so that its id stays its own
        found = _vars_found.keep(key, (original(loader, places, entities, stage), loader))
    return found[0].copy()


def has_only_the_built_in() -> bool:
    """Whether the vars plugins that are enabled are ansible-core's one; asking must load none."""
    plugins = vars_loader._plugin_instance_cache or {}
    kinds = [type(plugin) for plugin, _ in plugins.values()]
    return bool(kinds) and all(kind is host_group_vars.VarsModule for kind in kinds)
