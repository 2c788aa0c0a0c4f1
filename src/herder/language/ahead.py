"""A file that is copied again: the question that comes next goes with the one before it.

ansible-core's `copy` asks what is at the destination; when the content is the same, it has the
module `file` look at owner and mode. Where the last file that went to a host was as it should be,
the next one most likely is, too, so both questions travel together: a far-away host is as slow as
there are round trips. The agent answers the second one only when the content is the same and it
knows the module's answer without running it (`agent/answers.py`), which changes nothing. What
ansible-core then asks must be the very same question; else it goes its usual way.

*Source*: ansible-core 2.19 and 2.21 plugins/action/copy.py, `ActionModule._copy_file`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from herder.language.connections import is_shown
from herder.language.hands import ask_about
from herder.language.statuses import as_stat_module_has_it
from herder.model.ports import Completed, FileStatus, ModuleCall, WantedFile

_FILE = "ansible.legacy.file"


class NotAnswered(Exception):
    """The module itself has to be asked, when it is its turn."""


class FileAhead:
    """What will be asked of `file`, should this file be as it is wished."""

    def __init__(self, action: Any, wanted: WantedFile, module_args: Mapping[str, Any]) -> None:
        self._action = action
        self._wanted = wanted
        self._module_args = dict(module_args)
        self._path = ""
        self._status: FileStatus | None = None
        self._answer: dict[str, Any] | None = None

    def stat(self, path: str, task_vars: Any) -> dict[str, Any] | None:
        """Ask both questions and answer the first; None when it has to be asked by itself."""
        self._path, self._status, self._answer = path, None, None
        action = self._action
        action.herder_question = self
        try:
            self._answer = action._execute_module(
                module_name=_FILE, module_args=dict(self._module_args), task_vars=task_vars
            )
        except NotAnswered:
            pass
        finally:
            action.herder_question = None
        status: FileStatus | None = self._status
        return None if status is None else as_stat_module_has_it(path, status)

    def put(self, call: ModuleCall) -> Completed:
        """In place of running the module: ask the host.

        *Raises*: NotAnswered when only the first question has an answer.
        """
        self._status, said = ask_about(
            self._action,
            self._path,
            lambda session, place: session.stat_ahead(place, self._wanted.checksum, call),
        )
        if said is None:
            raise NotAnswered
        answered: Completed = said
        return answered

    def answer(self, words: Mapping[str, Any]) -> dict[str, Any] | None:
        """Give the answer to what is asked now, when it is the same question; only once."""
        is_same = (
            words.get("module_name") == _FILE and words.get("module_args") == self._module_args
        )
        answer, self._answer = self._answer, None
        return answer if is_same else None


def planned(
    action: Any,
    source: str,
    name: str,
    dest: str,
    make_args: Callable[[Mapping[str, Any]], dict[str, Any]],
) -> FileAhead | None:
    """Say what may be asked ahead for the file `source`; None when it is not likely to be there."""
    task, connection = action._task, action._connection
    is_likely = connection.herder_host in connection.herder_carrier.unchanged_hosts
    # what is asked is told in ansible-core's order
    if not is_likely or task.async_val or is_shown():
        return None
    is_mode_kept = task.args.get("mode") == "preserve"
    known = connection.herder_carrier.local_files
    wanted = known.wanted(source, name, is_mode_kept=is_mode_kept)
    if wanted is None:
        return None
    args = make_args(task.args)
    args.update(dest=dest, _original_basename=wanted.path, recurse=False, state="file")
    args.pop("src", None)
    if wanted.mode is not None:
        args["mode"] = wanted.mode
    return FileAhead(action, wanted, args)
