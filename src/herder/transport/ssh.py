"""The way through OpenSSH's own client: its arguments and what its end means.

*Source*: ansible-core 2.19 plugins/connection/ssh.py, `_build_command` and `_handle_error`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from herder.model.route import SshWay
from herder.transport import standing
from herder.transport.process import Program

SSH_FAILED_STATUS = 255
"""ssh's own failure; any other status is that of the line it ran. *Source*: ssh(1), EXIT STATUS."""

_KEEPALIVE = ("-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=3")
_NO_PASSWORD = (
    "-o",
    "KbdInteractiveAuthentication=no",
    "-o",
    "PreferredAuthentications=gssapi-with-mic,gssapi-keyex,hostbased,publickey",
    "-o",
    "PasswordAuthentication=no",
)


def ssh_program(way: SshWay, line: str) -> Program:
    """Give the ssh process that runs a line on the host."""
    words = ssh_arguments(way)
    socket = _socket(way, words)
    place = standing.words_for(socket) if socket is not None else ()
    return Program((*words, *place, "-T", way.address, line), password=way.password)


def looked_at(way: SshWay) -> tuple[SshWay, bool]:
    """Give the way as it can be taken, and whether a connection stands there; looks at files."""
    socket = _socket(way, ssh_arguments(way))
    if socket is None or not standing.may_be_at(socket):
        return replace(way, standing_directory=None), False
    return way, socket.exists()


def give_up_standing(way: SshWay) -> None:
    """Let the next connection be a new one; waits for a program where one stands."""
    words = ssh_arguments(way)
    socket = _socket(way, words)
    if socket is not None and socket.exists():
        standing.give_up(words, way.address, socket)


def _socket(way: SshWay, words: Sequence[str]) -> Path | None:
    # a password that is wrong by now must not be taken for a right one
    if way.standing_directory is None or way.password is not None:
        return None
    return standing.socket_for((*words, way.address), way.standing_directory)


def ssh_arguments(way: SshWay) -> tuple[str, ...]:
    """Give ssh and its options; the user's own come first, because ssh takes the first it sees."""
    words = [way.executable]
    if way.verbosity > 0:
        words.append("-" + "v" * way.verbosity)
    words += way.arguments
    if not way.host_key_checking:
        words += ("-o", "StrictHostKeyChecking=no")
    if way.port is not None:
        words += ("-o", f"Port={way.port}")
    if way.private_key_file:
        words += ("-o", f'IdentityFile="{_at_home(way.private_key_file)}"')
    if way.password is None:
        words += _NO_PASSWORD
    if way.user:
        words += ("-o", f'User="{way.user}"')
    words += ("-o", f"ConnectTimeout={way.timeout_seconds:.0f}")
    words += ("-o", "NumberOfPasswordPrompts=1")
    return (*words, *_KEEPALIVE)


def _at_home(path: str) -> str:
    # not Path.expanduser: it raises where there is no home
    return os.environ.get("HOME", "~") + path[1:] if path.startswith("~/") else path


def describe_ssh_failure(way: SshWay, status: int | None, words: str) -> str:
    """Give the reason why ssh did not lead to an agent."""
    if status in (SSH_FAILED_STATUS, None):
        if way.password is not None and "Permission denied" in words:
            return f"Invalid/incorrect password: {words}"
        return f"Failed to connect to the host via ssh: {words}"
    detail = f": {words}" if words else ""
    return f"the agent did not start on the host, its shell ended with status {status}{detail}"
