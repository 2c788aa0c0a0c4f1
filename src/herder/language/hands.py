"""What action plugins do on a host, carried by a session instead of one process per step.

ansible-core's action plugins reach a host through a few methods of `ActionBase`. On a carried
connection these go to the session; on any other connection they stay as they are. Installed once
per process, since plugins also create one another.

*Source*: ansible-core 2.19 plugins/action/__init__.py.
"""

from __future__ import annotations

import os.path
from collections.abc import Callable, Mapping
from typing import Any

from ansible.plugins.action import ActionBase

from herder.language import core_version
from herder.language.alone import is_alone
from herder.language.connections import CarriedConnection
from herder.language.exchanged import around
from herder.language.failures import AgentImpossible
from herder.language.flags import ContextFlag
from herder.language.modules import PreparedModule
from herder.language.patience import patiently
from herder.language.routes import uses_become
from herder.language.statuses import as_stat_module_has_it, is_cores_own, no_information
from herder.language.temporary import (
    is_temporary,
    make_tmp_path,
    modes_of_put,
    remove_tmp_path,
)
from herder.model.ports import CommandCall, Completed, ModuleCall, Session

ACCOUNT_MODULES = ("ansible.builtin.user", "ansible.legacy.user", "user")
STATUS_MODULES = ("ansible.legacy.async_status", "ansible.builtin.async_status")
POSIX_SHELL = "/bin/sh"
RAW = ("ansible.builtin.raw", "ansible.legacy.raw")
WITH_TERMINAL = (*RAW, "ansible.builtin.script", "ansible.legacy.script")


def install(build_module: Callable[..., Any]) -> None:
    """Exchange the methods of ActionBase; a second call changes only the module builder."""
    core_version.replace_module_builder(build_module, wanted=_wants_prepared)
    for name, carried in _CARRIED.items():
        original = getattr(ActionBase, name)
        if not hasattr(original, "herder_original"):
            setattr(ActionBase, name, _dispatching(original, carried))


def _dispatching(original: Callable[..., Any], carried: Callable[..., Any]) -> Callable[..., Any]:
    def choose(original: Callable[..., Any], action: Any, *args: Any, **words: Any) -> Any:
        if isinstance(action._connection, CarriedConnection):
            return carried(action, original, *args, **words)
        return original(action, *args, **words)

    return around(original, choose)


_wanted = ContextFlag("herder_prepared_module")
_detached = ContextFlag("herder_detached_module")


def _wants_prepared() -> bool:
    return _wanted.is_set()


def _execute_module(
    action: Any, original: Callable[..., Any], *args: Any, wrap_async: bool = False, **words: Any
) -> Any:
    """Remember whether the module is to go on by itself: then it has to lie in a file."""
    jobs = action._connection.herder_carrier.jobs
    if words.get("module_name") in STATUS_MODULES and _is_asked(words.get("module_args")):
        job = str(words["module_args"]["jid"])
        return jobs.ask(job, lambda: original(action, *args, **words))
    with _detached.set_to(bool(wrap_async)):
        result = patiently(action, lambda: original(action, *args, wrap_async=wrap_async, **words))
    if wrap_async and "ansible_job_id" in result:
        jobs.note(str(result["ansible_job_id"]))
    return result


def _is_asked(module_args: Any) -> bool:
    """Whether these are arguments of a question for a job's status."""
    words = module_args or {}
    return "jid" in words and words.get("mode") != "cleanup"


def _configure_module(
    action: Any,
    original: Callable[..., Any],
    module_name: str,
    module_args: dict[str, Any],
    task_vars: Any,
) -> tuple[Any, str]:
    """Let the module be prepared for the agent, unless files on the host are asked for."""
    if module_name in ACCOUNT_MODULES and _needs_idle_account(module_args):
        # an account that has processes stays as it is, and an agent is one
        action._connection.herder_leave(str(module_args.get("name")))
    is_plain = action._connection.is_pipelining_enabled(_detached.is_set())
    if is_plain and action._connection.herder_promised is not None:
        module_args["_ansible_tmpdir"] = None  # a module that needs one makes its own
    with _wanted.set_to(is_plain):
        answer: tuple[Any, str] = original(
            action, module_name=module_name, module_args=module_args, task_vars=task_vars
        )
    return answer


def _needs_idle_account(module_args: Mapping[str, Any]) -> bool:
    """Whether userdel or usermod refuse while the account has a process.

    *Source*: usermod(8), CAVEATS.
    """
    return module_args.get("state") == "absent" or bool({"uid", "home"} & module_args.keys())


def _low_level_execute_command(
    action: Any,
    original: Callable[..., Any],
    cmd: str,
    sudoable: bool = True,
    in_data: bytes | None = None,
    executable: str | None = None,
    encoding_errors: str = "surrogate_then_replace",
    chdir: str | None = None,
    process_result: Callable[[int, bytes, bytes], tuple[int, bytes, bytes]] | None = None,
) -> dict[str, Any]:
    """Run a command, or the module that stands in `in_data`."""
    as_become_user = sudoable and uses_become(action)
    if (as_become_user and _is_raw(action)) or (sudoable and _has_terminal(action, in_data)):
        with action._connection.herder_stock():
            answer: dict[str, Any] = original(
                action, cmd, sudoable=True, in_data=in_data, executable=executable, chdir=chdir
            )
        return answer
    line = _as_text(cmd, action._connection.transport)
    if chdir:
        line = action._connection._shell.append_command(f"cd {chdir}", line)
    action._connection.herder_show(line, executable, as_become_user=as_become_user)
    if isinstance(in_data, PreparedModule):
        done = _run_module(action, in_data, as_become_user)
    else:
        done = _run_command(action, line, in_data, executable, as_become_user)
    status, out, err = done.status, done.stdout, done.stderr
    if process_result:
        status, out, err = process_result(status, out, err)
    return _as_core_has_it(status, out, err, encoding_errors)


def _is_raw(action: Any) -> bool:
    """Whether nothing but a shell is asked for, so that escalation is part of each command."""
    return action._task.resolved_action in RAW


def _has_terminal(action: Any, in_data: bytes | None) -> bool:
    """Whether what is run is meant to have a terminal, so that its two outputs are one.

    *Source*: ansible-core 2.19 plugins/connection/ssh.py, `exec_command` (`-tt`). Modules get their
    input there and so no terminal with pipelining, or nothing of it shows.
    """
    connection = action._connection
    is_meant = action._task.resolved_action in WITH_TERMINAL and in_data is None
    return is_meant and connection.transport == "ssh" and bool(connection.get_option("use_tty"))


def _as_core_has_it(status: int, out: bytes, err: bytes, errors: str) -> dict[str, Any]:
    stdout = core_version.to_text(out, errors=errors)
    stderr = core_version.to_text(err, errors=errors)
    return {
        "rc": status,
        "stdout": stdout,
        "stdout_lines": stdout.splitlines(),
        "stderr": stderr,
        "stderr_lines": stderr.splitlines(),
    }


def _run_module(action: Any, prepared: PreparedModule, as_become_user: bool) -> Completed:
    call = ModuleCall(
        bundle=prepared.bundle,
        params=prepared.params,
        environment=_environment(action),
        directory=_directory(action),
        is_alone=is_alone(prepared.bundle.name),
    )
    action.herder_last_call = call
    question = getattr(action, "herder_question", None)
    if question is not None:
        answered: Completed = question.put(call)
        return answered
    try:
        done: Completed = action._connection.herder_run_module(call, as_become_user=as_become_user)
    except AgentImpossible as error:
        said = None if error.is_too_old else _said_by_shell(action, as_become_user)
        if said is None or said.status == 0:
            raise
        return said
    return done


def _said_by_shell(action: Any, as_become_user: bool) -> Completed:
    """Give what the host's shell answers for an interpreter that is not there or does not start.

    *Source*: ansible-core 2.19 plugins/shell/__init__.py, `build_module_command` (the line), and
    ActionBase._parse_returned_data, which looks for the interpreter in the answer.
    """
    interpreter = action._used_interpreter.lstrip("#!")
    call = CommandCall(f"{interpreter} && sleep 0", stdin=b"")
    done: Completed = action._connection.herder_run_command(call, as_become_user=as_become_user)
    return done


def _environment(action: Any) -> dict[str, str]:
    if not action._task.environment or not any(action._task.environment):
        return {}
    values: dict[str, Any] = {}
    action._compute_environment_string(values)
    return {name: core_version.to_text(value) for name, value in values.items()}


def _directory(action: Any) -> str | None:
    """Local commands run in the playbook's directory, others where the login puts them."""
    if action._connection.transport != "local":
        return None
    directory: str = action._loader.get_basedir()
    return directory


def _run_command(
    action: Any,
    line: str,
    stdin: bytes | None,
    executable: str | None,
    as_become_user: bool,
) -> Completed:
    connection = action._connection
    connection.herder_keep_promise()
    shell = executable or action._play_context.executable or POSIX_SHELL
    if " " in shell:
        shell, line = POSIX_SHELL, f"{shell} -c {connection._shell.quote(line)}"
    call = CommandCall(
        shell_line=line,
        stdin=stdin,
        executable=shell,
        directory=_directory(action),
    )
    done: Completed = connection.herder_run_command(call, as_become_user=as_become_user)
    return done


def _as_text(line: Any, transport: str) -> str:
    """Give what the stock plugins make of a command that is no text, as that of a bare `raw:`.

    *Source*: ansible-core 2.19 plugins/connection/local.py and ssh.py, `exec_command`.
    """
    if isinstance(line, str):
        return line
    return " ".join(list(line)) if transport == "local" else str(line)


def _fixup_perms2(
    action: Any,
    _original: Callable[..., Any],
    remote_paths: Any,
    remote_user: str | None = None,
    execute: bool = True,
) -> Any:
    """Temporary files are put by the user who will read them, executable for that user.

    *Source*: ansible-core 2.19 plugins/action/__init__.py, same name, for what is elsewhere.
    """
    elsewhere = [path for path in remote_paths if not is_temporary(action._connection, path)]
    if elsewhere and execute:
        done = action._remote_chmod(elsewhere, "u+rwx", sudoable=True)
        if done["rc"] != 0:
            raise core_version.AnsibleError(
                f"Failed to set permissions on remote files (rc: {done['rc']}, err: "
                f"{done['stderr']})"
            )
    return remote_paths


def _transfer_data(
    action: Any, _original: Callable[..., Any], remote_path: str, data: str | bytes
) -> str:
    if isinstance(data, str):
        data = data.encode(errors="surrogateescape")
    connection = action._connection
    connection.herder_keep_promise()
    connection.herder_show_file("PUT", f"{len(data)} bytes", remote_path)
    session = connection.herder_session(as_become_user=uses_become(action))
    # ansible-core copies a temporary file
    modes = modes_of_put(connection, remote_path, 0o600)
    connection.herder_do(session.put_bytes(bytes(data), remote_path, **modes))
    return remote_path


def _remote_expand_user(
    action: Any,
    _original: Callable[..., Any],
    path: str,
    sudoable: bool = True,
    pathsep: str | None = None,
) -> str:
    if not path.startswith("~"):
        return path
    connection = action._connection
    session = connection.herder_session(as_become_user=sudoable and uses_become(action))
    expanded: str = connection.herder_do(session.expand_user(path))
    return expanded


def _execute_remote_stat(
    action: Any,
    original: Callable[..., Any],
    path: str,
    all_vars: Any,
    follow: bool,
    tmp: Any = None,
    checksum: bool = True,
) -> dict[str, Any]:
    """Ask the agent itself: no module runs, no process starts.

    Plugins that are not ansible-core's may read whatever the module `stat` tells.
    """
    if not is_cores_own(action):
        words = {"tmp": tmp, "checksum": checksum}
        answer: dict[str, Any] = original(action, path, all_vars, follow, **words)
        return answer
    status = ask_about(
        action, path, lambda session, place: session.stat(place, follow=follow, checksum=checksum)
    )
    return as_stat_module_has_it(path, status)


def ask_about(action: Any, path: str, ask: Callable[[Session, str], Any]) -> Any:
    """Have the session of an action asked about a path; a no is that of the module `stat`."""
    connection = action._connection
    session = connection.herder_session(as_become_user=uses_become(action))
    place = os.path.join(_directory(action) or "", path)
    return connection.herder_do(
        ask(session, place), refused=lambda error: no_information(path, error)
    )


_CARRIED: dict[str, Callable[..., Any]] = {
    "_execute_module": _execute_module,
    "_configure_module": _configure_module,
    "_low_level_execute_command": _low_level_execute_command,
    "_make_tmp_path": make_tmp_path,
    "_remove_tmp_path": remove_tmp_path,
    "_fixup_perms2": _fixup_perms2,
    "_transfer_data": _transfer_data,
    "_remote_expand_user": _remote_expand_user,
    "_execute_remote_stat": _execute_remote_stat,
}
