"""A host's variables, merged once and kept until something that went into them changes.

ansible-core merges all variables anew for every task and host, facts included. Nearly always the
next task of a block gets what the last one got, and what it registered. A merge is kept here with
a mark of all that it was made from; names that were set since (`register`, `set_fact`) are put
into it, and whatever else changes makes it be merged anew, by ansible-core itself.

Laws: what is given is a new dict each time, as its receivers write into it. What cannot be told to
be unchanged (vars plugins other than ansible-core's own, other fact caches than the one in memory,
merged hashes, templates in vars_files) is never kept.

*Source*: ansible-core 2.19 and 2.21 vars/manager.py, `VariableManager.get_vars` (what is merged, in
which order); inventory/manager.py, host.py and group.py (what changes an inventory).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible import constants
from ansible.errors import AnsibleError
from ansible.inventory.data import InventoryData
from ansible.inventory.group import Group
from ansible.inventory.host import Host
from ansible.inventory.manager import InventoryManager
from ansible.playbook.handler import Handler
from ansible.playbook.task import Task
from ansible.plugins.cache.memory import CacheModule as MemoryCache
from ansible.utils.display import Display
from ansible.vars import manager as vars_manager

from herder.language.shortcuts.beside_vars import has_only_the_built_in
from herder.language.shortcuts.kept import Kept
from herder.language.shortcuts.read_files import Signature, is_settled, signature

CHANGES_OF_INVENTORY = (
    (InventoryManager, ("add_dynamic_host", "add_dynamic_group", "refresh_inventory")),
    (InventoryManager, ("reconcile_inventory", "parse_sources")),
    (InventoryData, ("add_host", "add_group", "add_child", "set_variable", "reconcile_inventory")),
    (InventoryData, ("remove_host", "remove_group")),
    (Host, ("set_variable", "add_group", "remove_group")),
    (Group, ("set_variable", "add_host", "remove_host", "add_child_group", "set_priority")),
)
# As many places as a host is at in turns: blocks, handlers, what others read of it.
MERGES_OF_A_HOST = 8
# From this verbosity on, ansible-core tells each time that it reads one of vars_files.
TELLS_FILES_READ = 3
# Of a task's own variables `get_vars` leaves these out, below whatever has them.
_NOT_OF_TASKS = frozenset({"tags", "when"})

display = Display()


class _Inventories:
    """Counts the changes of all inventories of the process."""

    changes = 0


def note_inventory_change(original: Callable[..., Any], *args: Any, **words: Any) -> Any:
    """Stand before what changes an inventory."""
    _Inventories.changes += 1
    try:
        return original(*args, **words)
    finally:
        # who reads in the meantime, in another thread, must not keep what was half changed
        _Inventories.changes += 1


@dataclass(slots=True)
class _Merge:
    """What `get_vars` gave, and what it was made from.

    *Shapes*: `seen` is how many changes of the host had been noted; `above` are the names that are
    stronger than what a task registers; `files` are the signatures of the play's vars_files.
    """

    variables: dict[str, Any]
    seen: int
    above: frozenset[str]
    made_from: tuple[Any, ...]
    files: tuple[Signature, ...]


class KeptVariables:
    """What one variable manager has merged."""

    def __init__(self) -> None:
        self._merges: dict[str, Kept] = {}
        self._changes: dict[str, list[frozenset[str] | None]] = {}

    def note(self, host: str, names: frozenset[str] | None) -> None:
        """Names were registered for a host, or (None) what lies deeper has changed."""
        self._changes.setdefault(str(host), []).append(names)

    def changes_of(self, host: str) -> list[frozenset[str] | None]:
        """Give the changes of a host so far."""
        return self._changes.setdefault(host, [])

    def merges_of(self, host: str) -> Kept:
        """Give the few merges of a host that are kept."""
        merges = self._merges.get(host)
        return self._merges.setdefault(host, Kept(MERGES_OF_A_HOST)) if merges is None else merges


def kept_of(manager: Any) -> KeptVariables:
    """Give what is kept for a variable manager."""
    kept: KeptVariables | None = manager.__dict__.get("herder_kept")
    if kept is None:
        kept = manager.__dict__.setdefault("herder_kept", KeptVariables())
    return kept


def set_registered(original: Callable[..., Any], manager: Any, host: Any, facts: Any) -> None:
    """Stand before `set_nonpersistent_facts`."""
    original(manager, host, facts)
    kept_of(manager).note(host, frozenset(facts))


def note_deep_change(original: Callable[..., Any], manager: Any, host: Any, *args: Any) -> Any:
    """Stand before `set_host_facts`, `set_host_variable` and `clear_facts`."""
    try:
        return original(manager, host, *args)
    finally:
        kept_of(manager).note(host, None)


def get_vars(
    original: Callable[..., Any],
    manager: Any,
    play: Any = None,
    host: Any = None,
    task: Any = None,
    include_hostvars: bool = True,
    use_cache: bool = True,
    _hosts: Any = None,
    _hosts_all: Any = None,
    stage: str = "task",
) -> Any:
    """Stand before `get_vars`."""

    def merged() -> Any:
        return original(
            manager,
            play=play,
            host=host,
            task=task,
            include_hostvars=include_hostvars,
            use_cache=use_cache,
            _hosts=_hosts,
            _hosts_all=_hosts_all,
            stage=stage,
        )

    if host is None or not _may_keep(manager, task, stage):
        return merged()
    kept, name = kept_of(manager), str(host.name)
    parent, role = (None, None) if task is None else (task._parent, task._role)
    key = (id(play), id(parent), id(role), task is None, include_hostvars)
    merges, changes = kept.merges_of(name), kept.changes_of(name)
    made_from = _made_from(manager, play, host, parent, role, _hosts, _hosts_all)
    merge = merges.get(key)
    if merge is not None and _is_made_from(merge.made_from, made_from):
        fresh = _up_to_date(manager, merge, name, changes)
        if fresh is not None:
            merges[key] = fresh
            return _own(manager, fresh, name, task)
    if task is not None and task.vars:
        # what is kept must hold for the task's neighbours, which have not its own variables
        return merged()
    files, seen = _signatures(manager, play), len(changes)
    variables = merged()
    has_own_vars = "vars" in variables and task is None and play is None
    if (
        files is not None
        and not has_own_vars
        and made_from == _made_from(manager, play, host, parent, role, _hosts, _hosts_all)
    ):
        above = _names_above(manager, play, host, task, include_hostvars, _hosts, _hosts_all)
        merge = merges.keep(key, _Merge(variables, seen, above, made_from, files))
        return _own(manager, merge, name, task)
    return variables


def _may_keep(manager: Any, task: Any, stage: str) -> bool:
    return (
        stage == "task"
        and (
            task is None or (type(task) in (Task, Handler) and not _NOT_OF_TASKS & task.vars.keys())
        )
        and type(manager._fact_cache) is MemoryCache
        and constants.DEFAULT_HASH_BEHAVIOUR != "merge"
        and constants.PLAYBOOK_VARS_ROOT == "top"
        and manager._inventory is not None
        and has_only_the_built_in()
    )


def _made_from(
    manager: Any, play: Any, host: Any, parent: Any, role: Any, hosts: Any, hosts_all: Any
) -> tuple[Any, ...]:
    """Give all that a merge follows from but for what is noted of the host.

    The objects are kept with the merge, so that what stands at their place stays theirs.
    """
    about_play: tuple[Any, ...] = ()
    if play is not None:
        removed, roles, own = play._removed_hosts, play.roles, play.vars
        about_play = (play, removed, "\n".join(removed), len(roles), own, len(own), play.vars_files)
        about_play += tuple(each for role in roles for each in (role, role.public))
    sizes = tuple(len(names) if names else 0 for names in (hosts, hosts_all))
    fixed = (manager._loader, manager._inventory, manager._extra_vars, manager._hostvars)
    place = (manager._loader.get_basedir(), _Inventories.changes, *sizes)
    return (host, parent, role, hosts, hosts_all, *fixed, *place, *about_play)


def _is_made_from(kept: tuple[Any, ...], now: tuple[Any, ...]) -> bool:
    """Whether all is the very same; numbers and text are the same when they are equal."""
    return len(kept) == len(now) and all(
        mine is yours or (type(mine) in (int, str) and mine == yours)
        for mine, yours in zip(kept, now, strict=True)
    )


def _up_to_date(
    manager: Any, merge: _Merge, host: str, changes: list[frozenset[str] | None]
) -> _Merge | None:
    """Give the merge with what was registered since; None when it must be merged anew."""
    if any(signature(each[0]) != each for each in merge.files):
        return None
    seen = len(changes)
    if seen == merge.seen:
        return merge
    new = changes[merge.seen : seen]
    if any(names is None or "vars" in names for names in new):
        return None
    registered = manager._nonpersistent_fact_cache.get(host, {})
    names = {name for each in new for name in each or ()} - merge.above
    values = {name: registered[name] for name in registered if name in names}
    variables = _with(merge.variables, values, merge.above)
    return _Merge(variables, seen, merge.above, merge.made_from, merge.files)


def _own(manager: Any, merge: _Merge, host: str, task: Any) -> dict[str, Any]:
    """Give the variables for one task to keep."""
    stronger, values = merge.above, {}
    if task is not None:
        values["environment"] = task.environment
    if task is not None and task.vars:
        vars_manager.warn_if_reserved(task.vars)
        caches = (manager._vars_cache, manager._nonpersistent_fact_cache)
        stronger = stronger.union(*(cache.get(host, {}) for cache in caches))
        values |= {name: value for name, value in task.vars.items() if name not in stronger}
    variables = _with(merge.variables, values, stronger)
    if type(variables.get("ansible_facts")) is dict:
        # plugins put there which Python was found, for the time of their task
        variables["ansible_facts"] = variables["ansible_facts"].copy()
    return variables


def _with(
    variables: dict[str, Any], values: dict[str, Any], stronger: frozenset[str]
) -> dict[str, Any]:
    """Give a copy with values in it, also in what the variable `vars` shows."""
    placed = _placed(variables, values, stronger)
    shown = variables.get("vars")
    if shown is None:
        return placed
    if _VARS_TAG is None:
        placed["vars"] = _placed(shown, values, stronger)
        return placed
    plain = {name: value for name, value in shown.items() if name != "vars"}
    tagged = {name: _VARS_TAG.tag(value) for name, value in values.items()}
    plain = _placed(plain, tagged, stronger)
    placed["vars"] = _VARS_TAG.tag(plain)
    placed["vars"]["vars"] = _VARS_TAG.tag(plain)
    return placed


# since 2.20 each value in `vars`, and all of it, is marked as one that will be gone
_VARS_TAG = getattr(vars_manager, "_DEPRECATE_VARS", None)


def _placed(
    variables: dict[str, Any], values: dict[str, Any], stronger: frozenset[str]
) -> dict[str, Any]:
    """Put new names before what is stronger: that was merged last, so it is at the end."""
    new = [(name, value) for name, value in values.items() if name not in variables]
    if not new:
        return variables | values
    last = itertools.takewhile(stronger.__contains__, reversed(variables))
    place = len(variables) - sum(1 for _name in last)
    items = list(variables.items())
    return dict([*items[:place], *new, *items[place:]]) | values


def _names_above(manager: Any, play: Any, host: Any, task: Any, *rest: Any) -> frozenset[str]:
    """Give the names that are stronger than what is registered."""
    include_hostvars, hosts, hosts_all = rest
    names = {*manager._extra_vars}
    names |= {"vars"} if task or play else set()
    names |= {"environment"} if task else set()
    names |= manager._get_magic_variables(
        play=play,
        host=host,
        task=task,
        include_hostvars=include_hostvars,
        _hosts=hosts,
        _hosts_all=hosts_all,
    ).keys()
    if task is not None:
        names |= task.get_include_params().keys()
        if task._role:
            names |= task._role.get_role_params(task.get_dep_chain()).keys()
    return frozenset(names)


def _signatures(manager: Any, play: Any) -> tuple[Signature, ...] | None:
    """Give the signatures of the play's vars_files, None where it is not plain which they are.

    Nor where one of them was written a moment ago: what is merged then is not kept.
    """
    wanted = play.get_vars_files() if play is not None else []
    if wanted and max(display.verbosity, display.log_verbosity) >= TELLS_FILES_READ:
        return None
    if not all(isinstance(each, str) and "{" not in each for each in wanted):
        return None
    stack = play.get_search_path() if wanted else []
    found = (manager._loader.path_dwim_relative_stack(stack, "vars", each) for each in wanted)
    try:
        marks = tuple(signature(path) for path in found)
    except AnsibleError:
        return None
    return marks if all(map(is_settled, marks)) else None
