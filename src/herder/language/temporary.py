"""A task's temporary directory on a host: promised, made when something is put there, removed.

*Source*: ansible-core 2.19 plugins/action/__init__.py, `_make_tmp_path` and `_remove_tmp_path`.
"""

from __future__ import annotations

import dataclasses
import stat
from collections.abc import Callable
from typing import Any

from herder.language.routes import brings_modes, uses_become
from herder.model.ports import CommandCall, Completed
from herder.wire.messages import NEW_MODE

NAME_STARTS = "/ansible-tmp-"


@dataclasses.dataclass(frozen=True)
class PromisedDirectory:
    """A temporary directory on the host that has a name but is not made yet."""

    parent: str
    path: str
    as_become_user: bool


def make_tmp_path(
    action: Any, _original: Callable[..., Any], remote_user: str | None = None
) -> str:
    """Promise a directory; it is made when something is first put there, which is seldom."""
    connection = action._connection
    as_become_user = uses_become(action)
    if action._is_become_unprivileged():
        parent = (action.get_shell_option("system_tmpdirs") or ["/var/tmp"])[0]
    else:
        parent = action.get_shell_option("remote_tmp", default="~/.ansible/tmp")
    parent = _expanded(connection, parent, as_become_user=as_become_user)
    name = connection._shell._generate_temp_dir_name()
    path = connection._shell.join_path(parent, name)
    connection.herder_promised = PromisedDirectory(parent, path, as_become_user)
    action._cleanup_remote_tmp = True
    connection._shell.tmpdir = connection._shell.join_path(path, "")
    return str(connection._shell.tmpdir)


def _expanded(connection: Any, path: str, *, as_become_user: bool) -> str:
    """Expand a leading '~' by what the agent said of its home; ask the host for anything else.

    *Source*: ansible-core 2.19 plugins/shell/__init__.py, `mkdtemp`: a shell reads the path, so a
    variable in it, as the user's name often is, or a command is the host's.
    """
    session = connection.herder_session(as_become_user=as_become_user)
    if "$" in path:
        call = CommandCall(f"echo {path}")
        done = connection.herder_run_command(call, as_become_user=as_become_user)
        said = done.stdout.decode(errors="surrogateescape").split("\n")
        return str(said[0] or path)
    if path.startswith("~/"):
        return f"{session.facts.home.rstrip('/')}{path[1:]}"
    if path.startswith("~"):
        expanded: str = connection.herder_do(session.expand_user(path))
        return expanded
    return path


def is_temporary(connection: Any, path: str) -> bool:
    """Whether a path is in a task's temporary directory, this one's or an earlier one's."""
    own = connection._shell.tmpdir
    return NAME_STARTS in path or bool(own and path.startswith(own))


def modes_of_put(connection: Any, path: str, source_mode: int) -> dict[str, int]:
    """Give the modes for a file that is put at a path, as a session has them.

    What is in a temporary directory is for the user who will execute it, and for nobody else. At
    any other place a file keeps its mode, and a new one is as the stock plugin makes it.
    *Source*: ansible-core 2.19 plugins/connection/local.py and ssh.py, `put_file`.
    """
    if is_temporary(connection, path):
        return {"mode": 0o700}
    return {"new_mode": stat.S_IMODE(source_mode) if brings_modes(connection) else NEW_MODE}


def remove_tmp_path(
    action: Any, _original: Callable[..., Any], tmp_path: str | None, force: bool = False
) -> None:
    """*Source*: ansible-core 2.19 plugins/action/__init__.py: what is left fails no task."""
    connection = action._connection
    if tmp_path is None and connection._shell.tmpdir:
        tmp_path = connection._shell.tmpdir
    if not (force or action._should_remove_tmp_path(tmp_path)):
        return
    if connection.herder_promised is None:
        session = connection.herder_session(as_become_user=uses_become(action))
        try:
            connection.herder_do(session.remove(tmp_path), refused=_Left)
        except _Left as left:
            message = f"Error deleting remote temporary files (rc: 1, stderr: {left}}})"
            action._display.warning(message)
    connection.herder_promised = None
    connection._shell.tmpdir = None


class _Left(Exception):
    """A host could not remove a directory, for example because of files open over NFS."""


def directory_failure(line: str, done: Completed) -> str:
    """*Source*: ansible-core 2.19 plugins/action/__init__.py, `_make_tmp_path`."""
    stderr = done.stderr.decode(errors="replace")
    if "No space left on device" in stderr:
        return stderr
    return (
        "Failed to create temporary directory. In some cases, you may have been able to "
        "authenticate and did not have permissions on the target directory. Consider changing the "
        'remote tmp path in ansible.cfg to a path rooted in "/tmp", for more error information '
        f"use -vvv. Failed command was: {line}, exited with result {done.status}, stderr: {stderr}"
    )
