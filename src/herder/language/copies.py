"""ansible-core's `copy`: where it would do for each file and host what can be done once.

A file that goes to many hosts is hashed once (`local_files.py`). The files of a directory are not
gone through one by one (`trees.py`), except by a task that says `follow` or `raw`, that only checks
or shows differences, or asks for anything that is done to each file (a checksum, a validation).

*Source*: ansible-core 2.19 and 2.21 plugins/action/copy.py, `ActionModule.run` and `_copy_file`.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ansible.plugins.action as core_actions
from ansible.plugins.action import ActionBase

from herder.language.ahead import FileAhead, planned
from herder.language.connections import CarriedConnection
from herder.language.exchanged import around
from herder.language.local_files import LocalFiles
from herder.language.trees import Pair, Tree
from herder.model.ports import ModuleCall

_CORE_COPY = str(Path(core_actions.__file__).with_name("copy.py"))
_MAKING = frozenset(
    ("src", "dest", "mode", "owner", "group", "directory_mode", "local_follow", "force", "backup")
)
_walked = threading.local()


def install() -> None:
    """Look at each action before it runs; a second call changes nothing."""
    if not hasattr(ActionBase.run, "herder_original"):
        ActionBase.run = around(ActionBase.run, _run)


def _run(original: Callable[..., Any], action: Any, *args: Any, **words: Any) -> Any:
    """Every action plugin calls this first, before it looks at what it is to do."""
    _walked.files = []
    _walked.known = None
    action.herder_tree = None
    action.herder_ahead = None
    if isinstance(action._connection, CarriedConnection):
        _take_over(type(action))
    return original(action, *args, **words)


def _take_over(kind: Any) -> None:
    """Exchange what ansible-core's own `copy` does for a file and for a directory.

    The plugin is loaded once for each name that tasks call it by, so there are several classes.
    """
    copy_file = kind.__dict__.get("_copy_file")
    if copy_file is None or hasattr(copy_file, "herder_original"):
        return
    if copy_file.__code__.co_filename != _CORE_COPY:
        return
    own = copy_file.__globals__
    own["_walk_dirs"] = around(own["_walk_dirs"], _walk_dirs)
    own["checksum"] = around(own["checksum"], _checksum)
    kind._copy_file = around(copy_file, _copy_file)
    kind._execute_remote_stat = around(kind._execute_remote_stat, _remote_stat)
    kind._execute_module = around(kind._execute_module, _execute_module)


def _walk_dirs(original: Callable[..., Any], *args: Any, **words: Any) -> Any:
    found = original(*args, **words)
    _walked.files = found["files"]
    return found


def _checksum(original: Callable[..., Any], source: str) -> Any:
    known: LocalFiles | None = getattr(_walked, "known", None)
    if known is None:
        return original(source)
    try:
        return known.checksum(source, lambda: original(source))
    except OSError:
        return original(source)


def _remote_stat(
    original: Callable[..., Any],
    action: Any,
    path: str,
    all_vars: Any,
    follow: bool,
    tmp: Any = None,
    checksum: bool = True,
) -> Any:
    ahead: FileAhead | None = action.herder_ahead
    status = None
    if ahead is not None and checksum and not follow and tmp is None:
        status = ahead.stat(path, all_vars)
    if status is None:
        status = original(action, path, all_vars, follow, tmp, checksum)
    action.herder_is_new = not status["exists"]
    return status


def _execute_module(original: Callable[..., Any], action: Any, *args: Any, **words: Any) -> Any:
    ahead: FileAhead | None = action.herder_ahead
    answer = ahead.answer(words) if ahead is not None and not args else None
    return original(action, *args, **words) if answer is None else answer


def _copy_file(
    original: Callable[..., Any],
    action: Any,
    source_full: str,
    source_rel: str,
    content: Any,
    content_tempfile: Any,
    dest: str,
    task_vars: Any,
    follow: bool,
) -> Any:
    words = (source_full, source_rel, content, content_tempfile, dest, task_vars, follow)
    connection = action._connection
    if not isinstance(connection, CarriedConnection):
        return original(action, *words)
    tree = _tree(action, _walked.files, follow=follow)
    if tree is not None and tree.is_well(source_rel):
        return {"changed": False}
    if tree is not None and tree.is_made(source_rel):
        return {"changed": True}
    action.herder_last_call = None
    make_args = original.__globals__["_create_remote_file_args"]
    action.herder_ahead = planned(action, source_full, source_rel, dest, make_args)
    try:
        with _copying(connection):
            answer = original(action, *words)
    finally:
        action.herder_ahead = None
    _note(connection, answer)
    if tree is not None and answer and not answer.get("failed") and action.herder_last_call:
        _learn(action, tree, action.herder_last_call, is_changed=bool(answer.get("changed")))
    return answer


def _note(connection: CarriedConnection, answer: Any) -> None:
    """Note whether the next file will most likely be as it should be, too."""
    hosts = connection.herder_carrier.unchanged_hosts
    if answer and answer.get("changed") is False:
        hosts.add(connection.herder_host)
    else:
        hosts.discard(connection.herder_host)


def _learn(action: Any, tree: Tree, call: ModuleCall, *, is_changed: bool) -> None:
    if call.bundle.name == "ansible.legacy.file" and not is_changed:
        tree.learn_well(call)
    if call.bundle.name == "ansible.legacy.copy" and is_changed and _may_make(action):
        tree.learn_new(call)


def _may_make(action: Any) -> bool:
    task = action._task
    is_looked_at = task.check_mode or task.diff
    return bool(action.herder_is_new) and not is_looked_at and _MAKING.issuperset(task.args)


@contextlib.contextmanager
def _copying(connection: CarriedConnection) -> Iterator[None]:
    """Within it, files that are looked at here or sent there are those that `copy` is to copy."""
    _walked.known = connection.herder_carrier.local_files
    connection.herder_is_copying = True
    try:
        yield
    finally:
        connection.herder_is_copying = False
        _walked.known = None


def _tree(action: Any, files: list[Pair], *, follow: bool) -> Tree | None:
    """Give the directory that this action copies; None when each file goes the usual way."""
    if follow or len(files) < 2:
        return None
    if action.herder_tree is None:
        action.herder_tree = Tree(action, files)
    tree: Tree = action.herder_tree
    return tree
