"""From a connection plugin to the route of a session."""

from __future__ import annotations

import os

import pytest

from tests.rooms.language.conftest import Play


@pytest.mark.skipif(os.geteuid() != 0, reason="needs sudo without a password")
def test_every_option_of_a_become_plugin_makes_another_session(play: Play) -> None:
    """An agent that was started with one option must not serve a task that has another."""
    way = {"become": True, "become_user": "nobody"}
    python = {"ansible_python_interpreter": "/usr/bin/python3"}
    tasks = [
        {"command": "whoami", "register": "first", **way},
        {"command": "whoami", "vars": {"ansible_sudo_chdir": "/nowhere"}, **way},
    ]
    done = play(tasks, vars=python)
    assert "/nowhere" in done.stdout
    assert "ok=1 " in done.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="needs su")
def test_a_become_program_that_never_asks_makes_the_host_unreachable(play: Play) -> None:
    """As long as the plugin's own option says, and with its words."""
    variables = {
        "ansible_become_exe": "sleep 30;",
        "ansible_become_password": "x",
        "ansible_local_become_success_timeout": 1,
    }
    done = play([{"raw": "true", "become": True, "become_user": "nobody"}], vars=variables)
    assert "Timed out waiting for become success or become password prompt" in done.stdout
    assert done.returncode == 4


def test_a_private_key_in_a_variable_goes_to_the_agent(play: Play) -> None:
    """ansible-core keeps such a key out of files; without an agent it says so."""
    variables = {
        "ansible_connection": "ssh",
        "ansible_host": "127.0.0.1",
        "ansible_port": 1,
        "ansible_ssh_private_key": "not a key",
    }
    done = play([{"ping": {}}], vars=variables)
    assert "Failed to add configured private key into ssh-agent" in done.stdout
    assert done.returncode == 4
