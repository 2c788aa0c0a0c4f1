"""From a connection plugin to the route of a session."""

from __future__ import annotations

import os

import pytest
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import become_loader, connection_loader, shell_loader

from herder.language.routes import become_step, is_carried, route_of
from herder.model.route import Route, SshWay
from tests.rooms.language.conftest import Play

SHARED = ("-o", "ControlMaster=auto", "-o", "ControlPersist=60s")
"""ansible-core's default `ssh_args` without -C."""


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


def ssh_route(**variables: object) -> Route:
    """Give the route that ansible-core's own ssh plugin gets with these variables."""
    context = PlayContext(play=None)
    connection = connection_loader.get("ssh", context)
    connection._shell = shell_loader.get("sh")
    connection._shell.set_options()
    connection.set_options(var_options={"inventory_hostname": "web1", **variables})
    return route_of(connection, host="web1", interpreters=("python3",))


def test_variables_of_ssh_mean_what_they_mean_in_ansible() -> None:
    """Inventories are used as they are."""
    way = ssh_route(
        ansible_host="10.0.0.1",
        ansible_port="2222",
        ansible_user="mia",
        ansible_ssh_private_key_file="/keys/one",
        ansible_ssh_common_args="-o ProxyJump=gate",
        ansible_ssh_extra_args="-o 'User Known=x y'",
        ansible_password="hush",
        ansible_host_key_checking=False,
    ).way

    assert isinstance(way, SshWay)
    assert (way.address, way.port, way.user) == ("10.0.0.1", 2222, "mia")
    assert way.private_key_file == "/keys/one"
    assert way.arguments == (*SHARED, "-o", "ProxyJump=gate", "-o", "User Known=x y")
    assert not way.host_key_checking
    assert "hush" not in repr(way)


def test_packing_is_left_out_unless_it_is_asked_for() -> None:
    """We pack where that saves something; own ssh_args stay as they are."""
    own = "-C -o ControlMaster=auto -o ControlPersist=5m"

    default, asked = ssh_route().way, ssh_route(ansible_ssh_args=own).way

    assert isinstance(default, SshWay)
    assert isinstance(asked, SshWay)
    assert default.arguments == SHARED
    assert " ".join(asked.arguments) == own


@pytest.mark.parametrize(
    ("variables", "standing", "words"),
    [
        ({}, "/cp", SHARED),
        ({"ansible_ssh_args": ""}, None, ()),
        (
            {"ansible_ssh_common_args": "-o ControlPath=/own"},
            None,
            (*SHARED, "-o", "ControlPath=/own"),
        ),
        (
            {"ansible_control_path": "%(directory)s/%%h"},
            None,
            (*SHARED, "-o", 'ControlPath="/cp/%h"'),
        ),
    ],
    ids=["default", "not wanted", "own words", "own setting"],
)
def test_connections_stand_where_they_do_with_ansible(
    variables: dict[str, str], standing: str | None, words: tuple[str, ...]
) -> None:
    """Source: ansible-core 2.19 plugins/connection/ssh.py, _build_command."""
    way = ssh_route(ansible_control_path_dir="/cp", **variables).way

    assert isinstance(way, SshWay)
    assert way.standing_directory == standing
    assert way.arguments == words


def test_equal_options_give_equal_routes() -> None:
    """Routes name sessions: equal ones share an agent, others must not."""
    assert ssh_route(ansible_user="mia") == ssh_route(ansible_user="mia")
    assert ssh_route(ansible_user="mia") != ssh_route(ansible_user="bob")
    assert ssh_route(ansible_password="one") != ssh_route(ansible_password="two")


def test_a_connection_of_another_kind_keeps_a_way_of_its_own() -> None:
    """It goes through ansible-core's plugin, slower but working."""
    assert not is_carried(connection_loader.get("psrp", PlayContext()))


@pytest.mark.parametrize("method", ["sudo", "su"])
def test_a_talk_is_about_the_command_it_was_made_for(method: str) -> None:
    """Two commands built at once must not wait for each other's marks and prompts."""
    connection = connection_loader.get("local", PlayContext(play=None))
    connection._shell = shell_loader.get("sh")
    connection.become = become_loader.get(method)
    connection.become.set_options(direct={"become_user": "mia", "become_pass": "hush"})
    first = become_step(connection, ("python3",))
    mark, prompt = connection.become.success, connection.become.prompt

    connection.become.set_options(direct={"become_user": "mia", "become_pass": None})
    become_step(connection, ("python3",))

    assert first.conversation.is_success(mark.encode())
    asked = prompt if isinstance(prompt, str) else "Password: "
    assert first.conversation.is_prompt(asked.encode())


@pytest.mark.parametrize(
    ("method", "is_missing"), [("sudo", True), ("su", False)], ids=["sudo", "su"]
)
def test_sudo_rs_asks_for_a_password_in_its_own_words(method: str, *, is_missing: bool) -> None:
    """It is Ubuntu's sudo, and a host must not look unreachable for a password that is missing."""
    connection = connection_loader.get("local", PlayContext(play=None))
    connection._shell = shell_loader.get("sh")
    connection.become = become_loader.get(method)
    connection.become.set_options(direct={"become_user": "mia"})

    step = become_step(connection, ("python3",))

    said = b"sudo: interactive authentication is required\n"
    assert step.conversation.is_missing_password(said) is is_missing
