"""From a connection plugin with its options set to the route a session is made for.

The options mean what they mean in ansible-core, since its own plugin resolved them; only the
process that carries the bytes is ours.

*Source*: ansible-core 2.19 plugins/connection/ssh.py (`_build_command`) and local.py,
plugins/become/__init__.py.
"""

from __future__ import annotations

import copy
import functools
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible import constants
from ansible.utils.path import unfrackpath

from herder.language import core_version
from herder.model.route import BecomeStep, CommandWay, LocalWay, Route, SshWay, Way
from herder.model.secret import Secret
from herder.wire.bootstrap import bootstrap_line

SSH_GRACE_SECONDS = 2.0


@functools.lru_cache(maxsize=1000)
def _words(text: str) -> tuple[str, ...]:
    """Split as a shell would; the same few options are asked about for every task."""
    return tuple(shlex.split(text))


def _name(connection: Any) -> str:
    return getattr(connection, "ansible_name", None) or ""


def route_of(connection: Any, *, host: str, interpreters: tuple[str, ...]) -> Route:
    """Give the route for this connection as its login user."""
    way = _WAYS[_name(connection)](connection)
    return Route(
        host=host,
        way=way,
        interpreters=interpreters,
        remote_tmp=_option(connection._shell, "remote_tmp") or "~/.ansible/tmp",
    )


def become_step(connection: Any, interpreters: tuple[str, ...]) -> BecomeStep:
    """Give the privilege escalation that the connection's become plugin stands for."""
    plugin = connection.become
    command = plugin.build_become_command(bootstrap_line(interpreters), connection._shell)
    options: dict[str, Any] = dict(plugin.get_options())
    password = options.pop("become_pass", None)
    return BecomeStep(
        identity=(plugin.name, *(f"{name}={options[name]}" for name in sorted(options))),
        method=plugin.name,
        user=str(options.get("become_user") or "root"),
        command=command,
        conversation=_Conversation(_as_it_is(plugin)),
        password=Secret(str(password)) if password is not None else None,
        needs_tty=_needs_tty(plugin),
        timeout_seconds=_become_seconds(connection),
    )


def _as_it_is(plugin: Any) -> Any:
    """Copy a become plugin, as every command it builds exchanges its prompt and its mark."""
    twin = copy.copy(plugin)
    twin._options = dict(plugin.get_options())
    return twin


def _become_seconds(connection: Any) -> float | None:
    """Give how long each word of the talk may take; ssh's plugin waits 2 s past its timeout."""
    if connection.transport == "local":
        wanted = _option(connection, "become_success_timeout")
        return float(wanted) if wanted and wanted >= 1 else None
    seconds = _option(connection, "timeout")
    return float(seconds) + SSH_GRACE_SECONDS if seconds else None


def _needs_tty(plugin: Any) -> bool:
    """`su` and its kind read the password from a terminal only."""
    return bool(plugin.require_tty) or plugin.name == "su" or not plugin.pipelining


# Source: sudo-rs 0.2, Ubuntu's sudo since 25.10; ansible-core up to 2.21 knows the other sudo only.
_SUDO_RS_ASKS = b"sudo: interactive authentication is required"


@dataclass(frozen=True)
class _Conversation:
    """The become plugin's own knowledge of its prompts, asked with all output so far.

    `plugin` is a copy from when the command was built, and stays so.
    """

    plugin: Any

    def is_prompt(self, output: bytes) -> bool:
        return bool(self.plugin.expect_prompt() and self.plugin.check_password_prompt(output))

    def is_success(self, output: bytes) -> bool:
        return bool(self.plugin.check_success(output))

    def is_incorrect_password(self, output: bytes) -> bool:
        return bool(self.plugin.check_incorrect_password(output))

    def is_missing_password(self, output: bytes) -> bool:
        is_said = self.plugin.name == "sudo" and _SUDO_RS_ASKS in output
        return is_said or bool(self.plugin.check_missing_password(output))


def is_carried(connection: Any) -> bool:
    """Whether Herder carries this plugin's traffic; assumes that its options are set."""
    return _name(connection) in _WAYS and not _keeps_its_own_way(connection)


def brings_modes(connection: Any) -> bool:
    """Whether a file from there keeps its mode: sftp, scp and `docker cp` tell it, others do not.

    *Source*: ansible-core 2.19 plugins/connection/ssh.py `_file_transport_command`, local.py
    `fetch_file`.
    """
    if _name(connection) == "ansible.builtin.ssh":
        return bool(_option(connection, "ssh_transfer_method") != "piped")
    return _name(connection) in {"community.docker.docker", "containers.podman.podman"}


def _keeps_its_own_way(connection: Any) -> bool:
    if _name(connection) != "ansible.builtin.ssh":
        return False
    # sshpass, asked for by name, waits for a prompt in its own manner; and what ssh says of
    # itself is to stand beside each command's own words
    has_password = _option(connection, "password") is not None
    has_sshpass = has_password and _option(connection, "password_mechanism") == "sshpass"
    return has_sshpass or bool(_option(connection, "verbosity"))


def _ssh_way(connection: Any) -> SshWay:
    context = connection._play_context
    password = _option(connection, "password")
    key_file = _option(connection, "private_key_file") or context.private_key_file
    if _option(connection, "private_key"):
        key_file = core_version.key_in_agent(connection)
    port = _option(connection, "port") or context.port
    arguments = _ssh_arguments(connection)
    own, standing = _standing(connection, arguments)
    return SshWay(
        address=_option(connection, "host") or context.remote_addr,
        port=int(port) if port is not None else None,
        user=_option(connection, "remote_user") or context.remote_user,
        private_key_file=key_file,
        password=Secret(str(password)) if password is not None else None,
        arguments=(*arguments, *own),
        executable=_option(connection, "ssh_executable") or "ssh",
        timeout_seconds=float(_option(connection, "timeout") or context.timeout),
        retries=int(_option(connection, "reconnection_retries") or 0),
        host_key_checking=bool(_option(connection, "host_key_checking")),
        standing_directory=standing,
    )


def _ssh_arguments(connection: Any) -> tuple[str, ...]:
    words: list[str] = []
    if _option(connection, "private_key"):
        words += ["-o", "IdentitiesOnly=yes"]
    provider = _option(connection, "pkcs11_provider")
    if provider:
        words += ["-o", f"PKCS11Provider={provider}"]
    value, origin = connection.get_option_and_origin("ssh_args")
    own = _words(value or "")
    # frames are packed where that saves something; -C packs every byte, slower than a fast network
    words += [word for word in own if word != "-C"] if origin == "default" else own
    for name in ("ssh_common_args", "ssh_extra_args"):
        words += _words(_option(connection, name) or "")
    return tuple(words)


def _standing(connection: Any, arguments: tuple[str, ...]) -> tuple[tuple[str, ...], str | None]:
    """Give where a connection stands after the run: as ssh's words, or the directory for it.

    *Source*: ansible-core 2.19 plugins/connection/ssh.py, `_persistence_controls`.
    """
    asked = [word.lower() for word in arguments]
    if not any("controlpersist" in word for word in asked):
        return (), None
    if any("controlpath" in word for word in asked):
        return (), None
    directory = unfrackpath(_option(connection, "control_path_dir"))
    own = _option(connection, "control_path")
    if not own:
        return (), directory
    place = own % {"directory": directory}
    return ("-o", f'ControlPath="{place}"'), None


def _local_way(_connection: Any) -> LocalWay:
    return LocalWay()


def _container_way(program: str, *verb: str) -> Callable[[Any], CommandWay]:
    """Build ways like `docker exec -i [-u USER] NAME /bin/sh -c`."""

    def build(connection: Any) -> CommandWay:
        executable = _option(connection, f"{program}_executable") or program
        extra = _words(_option(connection, f"{program}_extra_args") or "")
        user = _option(connection, "remote_user")
        as_user = ("-u", user) if user else ()
        name = _option(connection, "remote_addr") or connection._play_context.remote_addr
        return CommandWay((executable, *extra, *verb, *as_user, name, "/bin/sh", "-c"))

    return build


def _kubectl_way(connection: Any) -> CommandWay:
    words = [connection.transport_cmd, *connection._build_exec_cmd(["/bin/sh", "-c"])[0][1:]]
    return CommandWay(tuple(words))


def _nsenter_way(connection: Any) -> CommandWay:
    process = str(_option(connection, "nsenter_pid") or 1)
    entered = ("--ipc", "--mount", "--net", "--pid", "--uts", "--preserve-credentials")
    program = ("nsenter", *entered, f"--target={process}", "--", "/bin/sh", "-c")
    return CommandWay(program)


def _chroot_way(connection: Any) -> CommandWay:
    executable = _option(connection, "chroot_exe") or "chroot"
    root = _option(connection, "remote_addr") or connection._play_context.remote_addr
    return CommandWay((executable, root, "/bin/sh", "-c"))


_WAYS: dict[str, Callable[[Any], Way]] = {
    "ansible.builtin.ssh": _ssh_way,
    "ansible.builtin.local": _local_way,
    "community.docker.docker": _container_way("docker", "exec", "-i"),
    "community.docker.nsenter": _nsenter_way,
    "containers.podman.podman": _container_way("podman", "exec", "-i"),
    "kubernetes.core.kubectl": _kubectl_way,
    "community.general.chroot": _chroot_way,
}


def _option(plugin: Any, name: str) -> Any:
    """Give an option's value, or None where this plugin does not have it."""
    try:
        return plugin.get_option(name)
    except KeyError:
        return None


def uses_become(action: Any) -> bool:
    """Escalate unless the become user is the login user already.

    *Source*: ansible-core 2.19 plugins/action/__init__.py, `_low_level_execute_command`.
    """
    if not action._connection.become:
        return False
    login, wanted = action._get_remote_user(), action.get_become_option("become_user")
    return bool(constants.BECOME_ALLOW_SAME_USER or wanted != login or not any((login, wanted)))
