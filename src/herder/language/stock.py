"""A connection plugin as ansible-core has it, for what has to be a process of its own.

`raw` and `script` have a terminal over ssh, and `raw` that becomes somebody does so in each
command. What differs from the plugin is only where its ssh finds a password and a connection.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.connection import ConnectionBase

from herder.language.patience import knocking

_SOCKET = 'ControlPath="'
_NO_SSH = "Unable to execute ssh command line on a controller"


class StockConnection(ConnectionBase):
    """Always mixed in before a stock connection class; `herder_carrier` is its object's own.

    *Source*: ansible-core 2.19 plugins/connection/ssh.py, `_init_shm`: `ansible` beside the program
    that runs, or in PATH. Ours may be linked to from a folder that has no such program.
    """

    def _init_shm(self) -> dict[str, Any]:
        words: dict[str, Any] = super()._init_shm()
        program = Path(sys.executable).with_name("ansible")
        if "env" in words and program.is_file():
            words["env"]["SSH_ASKPASS"] = str(program)
        return words

    def exec_command(self, *args: Any, **kwargs: Any) -> Any:
        return self._herder_knocking(functools.partial(super().exec_command, *args, **kwargs))

    def put_file(self, *args: Any, **kwargs: Any) -> Any:
        return self._herder_knocking(functools.partial(super().put_file, *args, **kwargs))

    def _herder_knocking(self, attempted: Callable[[], Any]) -> Any:
        carrier: Any = self.herder_carrier
        return knocking(carrier.loop, carrier.sessions.door, attempted, AnsibleConnectionFailure)


def objection(connection: Any, error: BaseException) -> AnsibleError | None:
    """Give what the plugin itself says against connecting; asked where our way did not lead there.

    A program that is not there, or a daemon that does not run, fails the task: it is not the host
    that cannot be reached, and `rescue` may deal with it.

    *Source*: ansible-core 2.19 plugins/connection/ssh.py, `_bare_run`; docker.py of
    community.docker 4 (`docker_version`), podman.py of containers.podman 1 (`_podman`), chroot.py
    of community.general 11; all these in `_connect`.
    """
    if connection.transport == "ssh" and isinstance(error.__cause__, OSError):
        return AnsibleError(f"{_NO_SSH}: {error.__cause__}")
    if connection.transport in ("ssh", "local"):
        return None
    try:
        connection.herder_plugin_class._connect(connection)
    except AnsibleConnectionFailure:
        return None
    except AnsibleError as error:
        return error
    return None


def standing_socket(words: Sequence[str]) -> str:
    """Give where a connection of ours stands, from the words of our ssh; '' where none does."""
    places = [word[len(_SOCKET) : -1] for word in words if word.startswith(_SOCKET)]
    # a percent sign would have to be told from those that ssh and the plugin replace
    return next((each for each in places if "%" not in each and os.path.exists(each)), "")
