"""How to get to one host as one user: the way there, then perhaps privilege escalation.

A `Route` is hashable and names a session: equal routes share one agent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from herder.model.secret import Secret


@dataclass(frozen=True, slots=True)
class LocalWay:
    """A shell on the controller itself."""


@dataclass(frozen=True, slots=True)
class SshWay:
    """A shell through the OpenSSH client; every field means what Ansible's ssh option means.

    *Shapes*: `arguments` are `ansible_ssh_args`, `_common_args` and `_extra_args`, in this order,
    already split as a shell would; `standing_directory` is where the sockets of connections are
    that stand for a while after the run (`control_path_dir`), None when none is to. *Units*:
    `timeout_seconds`.
    *Source*: ansible-core 2.19 plugins/connection/ssh.py, `_build_command`.
    """

    address: str
    port: int | None = None
    user: str | None = None
    private_key_file: str | None = None
    password: Secret | None = None
    arguments: tuple[str, ...] = ()
    executable: str = "ssh"
    timeout_seconds: float = 10.0
    retries: int = 0
    host_key_checking: bool = True
    verbosity: int = 0
    standing_directory: str | None = None


@dataclass(frozen=True, slots=True)
class CommandWay:
    """Any command that runs a shell line on the host and gives its two pipes.

    *Shapes*: the line to run is appended to `command` as its last word, so `command` is for
    example ("docker", "exec", "-i", "web1", "/bin/sh", "-c").
    """

    command: tuple[str, ...]


Way: TypeAlias = LocalWay | SshWay | CommandWay


class BecomeConversation(Protocol):
    """What a become plugin knows of its own dialogue; asked with all output seen so far."""

    def is_prompt(self, output: bytes) -> bool: ...

    def is_success(self, output: bytes) -> bool: ...

    def is_incorrect_password(self, output: bytes) -> bool: ...

    def is_missing_password(self, output: bytes) -> bool: ...


@dataclass(frozen=True, slots=True)
class BecomeStep:
    """Privilege escalation: the command line that starts a second agent, and its dialogue.

    *Shapes*: `command` is the become plugin's whole shell line around the agent's bootstrap line,
    with a random marker that changes for each build, hence not compared; `identity` is what
    makes two steps the same (method, user, flags, executable).
    """

    identity: tuple[str, ...]
    method: str
    user: str
    command: str = field(compare=False)
    conversation: BecomeConversation = field(compare=False)
    password: Secret | None = None
    needs_tty: bool = False
    timeout_seconds: float | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Route:
    """The name of a session.

    *Shapes*: `host` is the inventory name, for messages; `interpreters` are tried in this order,
    the first that is found runs the agent; `environment_shell` is the shell that reads our lines.
    """

    host: str
    way: Way
    interpreters: tuple[str, ...]
    become: BecomeStep | None = None
    shell: str = "/bin/sh"
    remote_tmp: str = "~/.ansible/tmp"
