"""Ways to a machine and to another user on it."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from tests.support.lab_plays import LabPlays, first_process

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

DATA = Path(__file__).parents[1] / "data" / "lab"
ROOT_PASSWORD = "mo'o \"moo"
WHO = {"name": "Who", "command": "id -un", "register": "who"}


def is_user(name: str) -> dict[str, object]:
    return {"assert": {"that": f"who.stdout == '{name}'"}}


@pytest.fixture
def deploy_words(plays: LabPlays) -> tuple[str, ...]:
    """Give the words with which `deploy` logs in on web1 and web2."""
    (plays.folder / "more.ini").write_text("[lab]\nweb1\nweb2\n[lab:vars]\nansible_user=deploy\n")
    return ("-l", "web1:web2", "-e", "ansible_user=deploy")


def test_sudo_with_a_password(plays: LabPlays, deploy_words: tuple[str, ...]) -> None:
    """From a file, as scripts give it."""
    (plays.folder / "password").write_text(plays.machines.state().sudo_password + "\n")

    done = plays.tasks(
        WHO,
        is_user("root"),
        become=True,
        words=(*deploy_words, "--become-password-file", "password"),
    )

    assert done.returncode == 0, done.stdout
    assert plays.machines.state().sudo_password not in done.stdout + done.stderr


def test_sudo_and_su_without_a_password(plays: LabPlays) -> None:
    """Root may become anyone."""
    for method in ("sudo", "su"):
        gathered = {"setup": {"gather_subset": "!all"}}
        words = ("-b", "--become-user", "deploy", "--become-method", method)
        done = plays.tasks(WHO, is_user("deploy"), gathered, words=words)
        assert done.returncode == 0, done.stdout


def test_su_with_a_password(plays: LabPlays, deploy_words: tuple[str, ...]) -> None:
    """It reads from a terminal only."""
    for name in ("web1", "web2"):
        plays.inside(name, f"chpasswd <<'END'\nroot:{ROOT_PASSWORD}\nEND")
    (plays.folder / "password").write_text(ROOT_PASSWORD + "\n")
    words = (*deploy_words, "--become-method", "su", "--become-password-file", "password")
    copied = {"copy": {"content": "moo", "dest": "/root/by-su"}}

    done = plays.tasks(WHO, is_user("root"), copied, become=True, words=words)
    (plays.folder / "password").write_text("wrong\n")
    wrong = plays.tasks(WHO, become=True, words=words)

    assert done.returncode == 0, done.stdout
    assert plays.inside("web1", "cat /root/by-su") == "moo"
    assert "Incorrect su password" in wrong.stdout
    assert wrong.returncode == 2


def test_ssh_with_a_password(plays: LabPlays, deploy_words: tuple[str, ...]) -> None:
    """Never on a command line: it goes to ssh's own question."""
    password = plays.machines.state().sudo_password
    extra = "ansible_ssh_extra_args='-o PubkeyAuthentication=no -o ControlPath=none'"
    (plays.folder / "more.ini").write_text(f"[lab:vars]\n{extra}\n")
    words = (*deploy_words, "-i", "more.ini", "--connection-password-file", "password")

    (plays.folder / "password").write_text(password + "\n")
    raw = {"raw": "id -un", "register": "who"}
    is_raw = {"assert": {"that": "who.stdout_lines == ['deploy']"}}
    done = plays.tasks(WHO, is_user("deploy"), raw, is_raw, words=words)
    (plays.folder / "password").write_text("wrong\n")
    wrong = plays.tasks(WHO, words=words)

    assert done.returncode == 0, done.stdout
    assert wrong.stdout.count("UNREACHABLE!") == 2
    assert "assword" in wrong.stdout
    assert wrong.returncode == 4


def test_through_a_jump_host(plays: LabPlays) -> None:
    """The user's own configuration of ssh is what knows the way."""
    place = plays.machines.place
    common = f"IdentityFile {place.key_file}\n  UserKnownHostsFile {place.known_hosts_file}\n"
    first = plays.address("web1")
    second = plays.address("web2")
    (plays.folder / "ssh_config").write_text(
        f"Host {second}\n  ProxyJump root@{first}\nHost *\n  {common}  StrictHostKeyChecking yes\n"
    )
    (plays.folder / "more.ini").write_text(
        f"[lab:vars]\nansible_ssh_common_args='-F {plays.folder}/ssh_config'\n"
    )
    seen = {"assert": {"that": f"'{first}' in from.stdout"}, "vars": {}}
    asked = {"shell": "echo $SSH_CONNECTION | cut -d' ' -f1", "register": "from"}

    done = plays.tasks(asked, seen, hosts="web2", words=("-i", "more.ini"))

    assert done.returncode == 0, done.stdout


def test_a_new_group_counts_after_reset_connection(plays: LabPlays) -> None:
    """`usermod` and `reset_connection` are the usual steps before using docker."""
    tasks = [
        {"user": {"name": "deploy", "groups": "adm", "append": True}, **as_root(plays)},
        {"command": "id -Gn", "register": "before"},
        {"raw": "id -Gn", "register": "raw_before"},
        {"meta": "reset_connection"},
        {"command": "id -Gn", "register": "after"},
        {"raw": "id -Gn", "register": "raw_after"},
        {
            "assert": {
                "that": [
                    "'adm' not in before.stdout.split()",
                    "'adm' in after.stdout.split()",
                    "'adm' in raw_after.stdout.split()",
                ]
            }
        },
    ]

    done = plays.tasks(
        {"command": "true"}, *tasks, hosts="web1", words=("-e", "ansible_user=deploy")
    )

    assert done.returncode == 0, done.stdout


def test_a_run_that_begins_with_reset_connection_logs_in_anew(plays: LabPlays) -> None:
    """Else the connection of the run before would stand on, with the groups of its login."""
    words = ("-e", "ansible_user=deploy")
    joined = {"user": {"name": "deploy", "groups": "audio", "append": True}, **as_root(plays)}
    asked = {"command": "id -Gn", "register": "mine"}
    seen = {"assert": {"that": "'audio' in mine.stdout.split()"}}
    before = plays.tasks(joined, hosts="web1", words=words)

    done = plays.tasks({"meta": "reset_connection"}, asked, seen, hosts="web1", words=words)

    assert before.returncode == 0, before.stdout
    assert done.returncode == 0, done.stdout


RESET = """\
from ansible.plugins.action import ActionBase

class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        self._connection.reset()
        return {"changed": False}
"""


def test_an_action_plugin_resets_what_raw_goes_through_too(plays: LabPlays) -> None:
    """As the module reboot does: what stood before must not be used after."""
    (plays.folder / "action_plugins").mkdir()
    (plays.folder / "action_plugins" / "anew.py").write_text(RESET)
    asked = {"raw": "echo $SSH_CONNECTION"}
    same = {"assert": {"that": "first.stdout == second.stdout"}}
    other = {"assert": {"that": "first.stdout != third.stdout"}}

    done = plays.tasks(
        {**asked, "register": "first"},
        {**asked, "register": "second"},
        {"anew": None},
        {**asked, "register": "third"},
        same,
        other,
        hosts="web1",
    )

    assert done.returncode == 0, done.stdout


def as_root(plays: LabPlays) -> dict[str, object]:
    password = plays.machines.state().sudo_password
    return {"become": True, "vars": {"ansible_become_password": password}}


def test_nsenter_is_a_way_by_command(plays: LabPlays) -> None:
    """It stands for all ways that are one command: docker, podman, kubectl."""
    (plays.folder / "collections").symlink_to(DATA / "collections")
    number = first_process(plays.machines, "web1")
    (plays.folder / "inside.ini").write_text(
        f"inside ansible_connection=community.docker.nsenter ansible_nsenter_pid={number}\n"
    )
    written = {"copy": {"content": "moo", "dest": "/root/by-nsenter"}}
    asked = {"command": "hostname", "register": "name"}
    named = {"assert": {"that": "name.stdout == 'web1'"}}
    gathered = {"setup": {"gather_subset": "min"}}

    done = plays.tasks(
        asked, named, written, gathered, hosts="inside", words=("-i", "inside.ini", "-vvvv")
    )

    assert done.returncode == 0, done.stdout
    assert plays.inside("web1", "cat /root/by-nsenter") == "moo"


def test_the_module_command_of_ansible(plays: LabPlays) -> None:
    """`herder run` is a drop-in for `ansible`."""
    words = ["-i", str(plays.machines.place.inventory_file), "lab", "-a", "hostname"]
    process = plays.command([sys.executable, "-m", "herder", "run", *words])

    done = plays.done(process)

    assert [line for line in done.stdout.splitlines() if line.startswith("web")]
    assert sorted(line for line in done.stdout.splitlines() if "|" not in line) == [
        "web1",
        "web2",
        "web3",
    ]
    assert done.returncode == 0


def test_raw_and_script_have_a_terminal_over_ssh(plays: LabPlays) -> None:
    """Both outputs are one there, and playbooks look for what a script says on either in stdout."""
    (plays.folder / "both.sh").write_text("#!/bin/sh\necho out; echo err >&2; tty\n")
    tells = "told.stdout_lines[:2] == ['out', 'err'] and '/dev/pts/' in told.stdout"
    tasks = [
        {"raw": "echo out; echo err >&2; tty", "register": "told"},
        {"assert": {"that": tells}},
        {"script": "both.sh", "register": "told"},
        {"assert": {"that": tells}},
        {"script": "both.sh", "register": "told", "become": True, "become_user": "deploy"},
        {"assert": {"that": tells}},
        {
            "raw": "tty; true",
            "register": "told",
            "vars": {"ansible_ssh_use_tty": False},
        },
        {"assert": {"that": "'not a tty' in told.stdout"}},
    ]

    done = plays.tasks(*tasks)

    assert done.returncode == 0, done.stdout


def test_raw_ends_in_its_time(plays: LabPlays) -> None:
    """On the host, too."""
    started = time.monotonic()

    done = plays.tasks({"raw": "sleep 71", "timeout": 2})

    assert "Timed out after 2 second(s)." in done.stdout
    assert time.monotonic() - started < 20
    assert plays.wait_until("web1", "! pgrep -f 'sleep 7[1]'")
