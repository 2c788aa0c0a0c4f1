"""Which program leads the way to a host, and what its end means."""

from __future__ import annotations

import shlex

from herder.model.route import CommandWay, SshWay, Way
from herder.transport.command import command_program
from herder.transport.local import local_program
from herder.transport.process import Program
from herder.transport.ssh import (
    SSH_FAILED_STATUS,
    describe_ssh_failure,
    give_up_standing,
    ssh_program,
)
from herder.transport.ssh import looked_at as ssh_looked_at


def program_for(way: Way, line: str, shell: str) -> Program:
    """Give the program that runs a shell line at the end of a way."""
    if isinstance(way, SshWay):
        return ssh_program(way, f"{shell} -c {shlex.quote(line)}")
    if isinstance(way, CommandWay):
        return command_program(way, line)
    return local_program(line, shell)


def describe_failure(way: Way, status: int | None, words: str) -> str:
    """Give the reason why a way led nowhere, in Ansible's words where it has some."""
    if isinstance(way, SshWay):
        return describe_ssh_failure(way, status, words)
    detail = f": {words}" if words else ""
    return f"the way to the host ended with status {status}{detail}"


def led_to_a_shell(way: Way, status: int | None) -> bool:
    """Whether a failure is that of what was run on the host: then the host itself was reached.

    *Source*: ssh(1), EXIT STATUS. A program of the user's own (docker exec) may use any status.
    """
    if isinstance(way, CommandWay) or status is None:
        return False
    return 0 < status < SSH_FAILED_STATUS


def describe_loss(way: Way, words: str) -> str:
    """Give the reason why a conversation that had begun broke off."""
    if isinstance(way, SshWay):
        return describe_ssh_failure(way, None, words or "the connection broke off")
    return words or "the connection broke off"


def may_retry(way: Way, attempt: int, reason: str) -> bool:
    """Whether to try again after the failure of this attempt (from 0); never a password twice."""
    retries = way.retries if isinstance(way, SshWay) else 0
    return attempt < retries and "password" not in reason


def may_stand(way: Way) -> bool:
    """Whether a connection may stand from an earlier run, or is to stand after this one."""
    return isinstance(way, SshWay) and way.standing_directory is not None


def looked_at(way: Way) -> tuple[Way, bool]:
    """Give the way as it can be taken, and whether a connection stands there; looks at files."""
    return ssh_looked_at(way) if isinstance(way, SshWay) else (way, False)


def go_anew(way: Way) -> None:
    """Take the way by a new connection next time; waits for a program where one stands."""
    if isinstance(way, SshWay):
        give_up_standing(way)
