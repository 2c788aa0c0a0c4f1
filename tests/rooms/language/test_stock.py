"""language/stock.py: where a plugin of ansible-core's own finds a connection of ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection import ConnectionBase

from herder.language.stock import StockConnection, standing_socket
from herder.model.door import Door
from tests.support.loops import running_loop


def test_a_connection_that_stands_is_used(tmp_path: Path) -> None:
    """One that does not is not: the plugin makes one of its own then."""
    socket = tmp_path / "0123456789abcdef"
    words = ["ssh", "-o", f'ControlPath="{socket}"', "-T", "web1"]
    assert standing_socket(words) == ""
    socket.touch()
    assert standing_socket(words) == str(socket)


def test_a_place_with_a_percent_sign_is_passed_over(tmp_path: Path) -> None:
    """Both ssh and the plugin replace what follows one."""
    (tmp_path / "50%%").touch()
    assert standing_socket([f'ControlPath="{tmp_path}/50%%"']) == ""


def test_without_such_words_there_is_none() -> None:
    """A connection by password does not stand."""
    assert standing_socket(["ssh", "-T", "web1"]) == ""


class TurnedAway(ConnectionBase):
    """A connection plugin that is let in the third time."""

    words = ""
    attempts = 0

    transport = "ssh"
    put_file: Any = None
    _connect = close = fetch_file = None

    def exec_command(self, line: str) -> str:
        """Give what was run."""
        self.attempts += 1
        if self.attempts < 3:
            raise AnsibleConnectionFailure(f"Failed to connect to the host via ssh: {self.words}")
        return line


class Plugin(StockConnection, TurnedAway):
    """As a carried connection makes it, for a moment."""


@pytest.fixture
def plugin() -> Iterator[Any]:
    """Give a plugin whose sessions have a door without long pauses."""
    sessions = SimpleNamespace(door=Door(draw=lambda _least, _most: 0.01))
    made = Plugin.__new__(Plugin)
    with running_loop() as loop:
        made.herder_carrier = SimpleNamespace(loop=loop, sessions=sessions)
        yield made


def test_a_command_is_tried_again_when_the_server_takes_no_more_connections(plugin: Any) -> None:
    """A first `raw` on all hosts behind a jump host lost some of them."""
    plugin.words = "kex_exchange_identification: Connection closed by remote host"

    assert plugin.exec_command("uname") == "uname"


def test_a_command_that_failed_for_another_reason_is_not_tried_again(plugin: Any) -> None:
    """It may have run."""
    plugin.words = "Connection to web1 closed by remote host."

    with pytest.raises(AnsibleConnectionFailure):
        plugin.exec_command("uname")

    assert plugin.attempts == 1
