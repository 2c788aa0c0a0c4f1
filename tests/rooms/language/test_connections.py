"""language/connections.py: what a run remembers of the ways that its tasks went."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import become_loader, connection_loader

from herder.language.blocking import LoopThread
from herder.language.connections import Carrier
from herder.model.route import Route
from tests.rooms.language.conftest import Play
from tests.support.loops import running_loop
from tests.support.plugins import load_plugins


class OpenSessions:
    """Sessions that are open as soon as they were asked for, until they are ended."""

    def __init__(self) -> None:
        self.routes: dict[Route, Any] = {}
        self.ended: list[Route] = []

    async def get(self, route: Route) -> Any:
        """Open a session."""
        facts = SimpleNamespace(python="/usr/bin/python3")
        return self.routes.setdefault(route, SimpleNamespace(facts=facts))

    def ready(self, route: Route) -> Any:
        """Give what is open."""
        return self.routes.get(route)

    async def reset(self, host: str) -> None:
        """Keep it, as a pool does with the sessions that all hosts of this machine share."""

    async def end(self, route: Route) -> None:
        """Note whose session was ended."""
        self.ended.append(route)


@pytest.fixture
def loop() -> Iterator[LoopThread]:
    """Give a loop that is stopped in the end."""
    with running_loop() as loop:
        yield loop


def test_an_account_s_session_is_ended_after_a_reset_too(loop: LoopThread) -> None:
    """`userdel` refuses while a process of the account runs."""
    load_plugins()
    sessions = OpenSessions()
    carrier = Carrier(sessions, loop)  # type: ignore[arg-type] # only what is asked for here
    connection = connection_loader.get("local", PlayContext())
    connection.set_become_plugin(become_loader.get("sudo"))
    for plugin in (connection, connection._shell, connection.become):
        plugin.set_options(var_options={"ansible_become_user": "app"})
    carrier.take_over(connection)
    connection.herder_prepare("web1", ("python3",))
    connection.herder_session(as_become_user=True)

    carrier.forget_host("web1")
    connection.herder_begin()
    connection.herder_session(as_become_user=True)
    carrier.forget_user("web1", "app")

    assert [route.become.user for route in sessions.ended if route.become] == ["app"]


PODMAN = '''
DOCUMENTATION = """
name: podman
short_description: a program that is not there
options:
  podman_executable:
    description: the program
    default: /nowhere/podman
"""
from ansible.errors import AnsibleError
from ansible.plugins.connection import ConnectionBase


class Connection(ConnectionBase):
    transport = "containers.podman.podman"

    def _connect(self):
        raise AnsibleError("podman command not found in PATH")

    exec_command = put_file = fetch_file = close = _connect
'''


def test_a_program_to_containers_that_is_not_there_fails_the_task(
    play: Play, tmp_path: Path
) -> None:
    """It is not the host that is unreachable: `rescue` deals with the one and not the other."""
    folder = tmp_path / "ansible_collections/containers/podman/plugins/connection"
    folder.mkdir(parents=True)
    (folder / "podman.py").write_text(PODMAN)
    way = {"ansible_connection": "containers.podman.podman", "ansible_host": "web"}
    block = {"block": [{"ping": {}, "vars": way}], "rescue": [{"debug": {"msg": "rescued"}}]}

    done = play([block], environment={"ANSIBLE_COLLECTIONS_PATH": str(tmp_path)})

    assert '"msg": "Task failed: podman command not found in PATH"' in done.stdout, done.stdout
    assert (done.returncode, done.stdout.count('"msg": "rescued"')) == (0, 1)


def test_an_ssh_that_is_not_there_fails_the_task(play: Play) -> None:
    """It is missing on the controller, which says nothing of the host."""
    way = {"ansible_connection": "ssh", "ansible_ssh_executable": "/nowhere/ssh"}

    done = play([{"ping": {}, "vars": way}])

    assert done.returncode == 2, done.stdout
    assert "FAILED! => " in done.stdout
    assert "Unable to execute ssh command line on a controller: [Errno 2]" in done.stdout
