"""Files of variables, read and parsed once for all hosts, until one of them changes.

ansible-core parses a play's vars_files anew for each task and host, and what `include_vars` reads
for each host: a file of three hundred variables takes longer than all else that the controller does
for a task. Copying what was parsed, as it does for most files, takes longer than parsing.

Laws: a file is kept when nobody wrote into it for a while before it was read, as two writes at the
same moment leave the same date. Who asks for a copy gets one of all that can be changed in it.

*Source*: ansible-core 2.19 and 2.21 parsing/dataloader.py (`load_from_file`), vars/manager.py
(`get_vars`), plugins/action/include_vars.py.
"""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Callable
from typing import Any

from ansible.module_utils._internal._datatag import _AnsibleTaggedDict, _AnsibleTaggedList

from herder.language.shortcuts.kept import Kept

SETTLED_NANOSECONDS = 2_000_000_000

Signature = tuple[str, int, int, int]


def load_from_file(
    original: Callable[..., Any],
    loader: Any,
    file_name: Any,
    cache: str = "all",
    unsafe: bool = False,
    **words: Any,
) -> Any:
    """Stand before `load_from_file`; with `unsafe` what is given is everybody's."""
    if cache == "all":
        # ansible-core keeps these itself
        data = original(loader, file_name, cache=cache, unsafe=True, **words)
    else:
        data = _read(original, loader, file_name, cache, words)
    return data if unsafe else deeply_copied(data, {})


def _read(
    original: Callable[..., Any], loader: Any, file_name: Any, cache: str, words: dict[str, Any]
) -> Any:
    known = loader.__dict__.get("herder_read_files")
    if known is None:
        known = loader.__dict__.setdefault("herder_read_files", Kept())
    mark = signature(loader.path_dwim(file_name))
    key = (mark[0], cache, *sorted(words.items()))
    found = known.get(key)
    if found is not None and found[0] == mark:
        return found[1]
    data = original(loader, file_name, cache=cache, unsafe=True, **words)
    if mark[1] and is_settled(mark):
        known.keep(key, (mark, data))
    return data


def deeply_copied(value: Any, made: dict[int, Any]) -> Any:
    """Copy as `copy.deepcopy` does; text and numbers cannot be changed and are shared.

    *Shapes*: `made` has what was copied already, by the id of what it was made from.
    """
    kind = type(value)
    if kind not in _CONTAINERS:
        return value if isinstance(value, _UNCHANGEABLE) else copy.deepcopy(value, made)
    twin = made.get(id(value))
    if twin is not None:
        return twin
    twin = made[id(value)] = _CONTAINERS[kind](value)
    if isinstance(value, dict):
        for name, held in value.items():
            twin[name] = deeply_copied(held, made)
    else:
        twin.extend(deeply_copied(held, made) for held in value)
    return twin


def _empty_tagged(value: Any) -> Any:
    return type(value)._instance_factory(type(value)._native_type(), value._ansible_tags_mapping)


# tagged ones, which are of types of their own, too
_UNCHANGEABLE = (str, int, float, type(None))
_CONTAINERS: dict[type[Any], Callable[[Any], Any]] = {
    dict: lambda _: {},
    list: lambda _: [],
    _AnsibleTaggedDict: _empty_tagged,
    _AnsibleTaggedList: _empty_tagged,
}


def signature(path: str) -> Signature:
    """Give what changes with a file; all zeros where there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return (path, 0, 0, 0)
    return (path, status.st_mtime_ns, status.st_size, status.st_ino)


def is_settled(mark: Signature) -> bool:
    """Whether nobody wrote into the file for so long that the next write leaves another date."""
    return mark[1] < time.time_ns() - SETTLED_NANOSECONDS
