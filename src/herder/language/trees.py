"""A directory that is copied once more: the host says in one answer which files are as they should.

ansible-core's `copy` goes through a directory file by file, with a question and a module for each.
For a file that is as it should be, all that becomes of these is "not changed"; so once the module
has said that of one file, the agent is asked for the others, many at a time. A file that is not
plainly so goes ansible-core's own way, and so does every file of a task that says `force: false`,
`follow` or `raw`, and a copy of a single file.

*Source*: ansible-core 2.19 and 2.21 plugins/action/copy.py, `ActionModule.run` and `_copy_file`.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ansible.plugins.action as core_actions
from ansible.plugins.action import ActionBase

from herder.language.connections import CarriedConnection
from herder.language.exchanged import around
from herder.language.hands import uses_become
from herder.language.local_files import LocalFiles
from herder.model.ports import ModuleCall, WantedFile

FILES_AT_ONCE = 1000
BYTES_AT_ONCE = 32 * 1024 * 1024

_CORE_COPY = str(Path(core_actions.__file__).with_name("copy.py"))
_walked = threading.local()

Pair = tuple[str, str]
"""A file here and its path below the destination."""


def install() -> None:
    """Look at each action before it runs; a second call changes nothing."""
    if not hasattr(ActionBase.run, "herder_original"):
        ActionBase.run = around(ActionBase.run, _run)


def _run(original: Callable[..., Any], action: Any, *args: Any, **words: Any) -> Any:
    """Every action plugin calls this first, before it looks at what it is to do."""
    _walked.files = []
    action.herder_tree = None
    if isinstance(action._connection, CarriedConnection):
        _take_over(type(action))
    return original(action, *args, **words)


def _take_over(kind: Any) -> None:
    """Exchange what ansible-core's own `copy` does for a directory.

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


class Tree:
    """The files of one directory on their way to one host."""

    def __init__(self, files: list[Pair]) -> None:
        self.files = files
        self._asked: set[str] = set()
        self._well: set[str] = set()
        self._call: ModuleCall | None = None

    def learn(self, call: ModuleCall) -> None:
        """Remember the call that found nothing to do for one of the files."""
        self._call = call

    def is_well(self, action: Any, path: str) -> bool:
        """Whether the host says that this file is as it should be; ask for the next ones, too."""
        if self._call is not None and path not in self._asked:
            self._ask(action, path)
        return path in self._well

    def _ask(self, action: Any, path: str) -> None:
        assert self._call is not None
        batch = list(self._batch(action, path))
        self._asked.update(each.path for each in batch)
        self._asked.add(path)
        if batch:
            connection = action._connection
            session = connection.herder_session(as_become_user=uses_become(action))
            answers = connection.herder_do(session.check_files(self._call, batch))
            self._well.update(
                each.path for each, is_well in zip(batch, answers, strict=True) if is_well
            )

    def _batch(self, action: Any, path: str) -> Iterator[WantedFile]:
        known: LocalFiles = action._connection.herder_carrier.local_files
        is_mode_kept = action._task.args.get("mode") == "preserve"
        rest = itertools.dropwhile(lambda pair: pair[1] != path, self.files)
        size = 0
        for source, relative in itertools.islice(rest, FILES_AT_ONCE):
            wanted = known.wanted(source, relative, is_mode_kept=is_mode_kept)
            size += wanted.size if wanted is not None else 0
            if size > BYTES_AT_ONCE:
                return
            if wanted is not None and relative not in self._asked:
                yield wanted


def _walk_dirs(original: Callable[..., Any], *args: Any, **words: Any) -> Any:
    found = original(*args, **words)
    _walked.files = found["files"]
    return found


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
    connection = action._connection
    if not isinstance(connection, CarriedConnection):
        return original(
            action, source_full, source_rel, content, content_tempfile, dest, task_vars, follow
        )
    tree = _tree(action, follow=follow)
    if tree is not None and tree.is_well(action, source_rel):
        return {"changed": False}
    action.herder_last_call = None
    with _copying(connection):
        answer = original(
            action, source_full, source_rel, content, content_tempfile, dest, task_vars, follow
        )
    if tree is not None and answer and answer.get("changed") is False:
        call = action.herder_last_call
        if call is not None and call.bundle.name == "ansible.legacy.file":
            tree.learn(call)
    return answer


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


def _checksum(original: Callable[..., Any], source: str) -> Any:
    """The file that is copied to a hundred hosts is read once."""
    known: LocalFiles | None = getattr(_walked, "known", None)
    if known is None:
        return original(source)
    try:
        return known.checksum(source, lambda: original(source))
    except OSError:
        return original(source)


def _tree(action: Any, *, follow: bool) -> Tree | None:
    """Give the directory that this action copies; None when each file goes the usual way."""
    if follow or len(_walked.files) < 2:
        return None
    if action.herder_tree is None:
        action.herder_tree = Tree(_walked.files)
    tree: Tree = action.herder_tree
    return tree
