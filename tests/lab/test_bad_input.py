"""What is wrong is said with its place, ends in the right exit code, and stops nobody else.

Every test here runs with Herder, and among the slow ones with ansible-playbook: what is expected
holds for both.
"""

from __future__ import annotations

import subprocess

import pytest

from herder.lab.machines import Machines
from tests.support.lab_plays import LabPlays
from tests.support.two_engines import HERDER, STOCK

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

DONE = {"name": "Work", "command": "echo worked"}
OLD_PYTHON = """\
#!/bin/sh
exec /usr/bin/python3 -c 'import sys
sys.version_info = (3, 6, 9, "final", 0)
sys.version = "3.6.9 (made up)"
words = sys.argv[1:]
source = words[1] if words[:1] == ["-c"] else open(words[0] if words else 0).read()
sys.argv = words[:1] + words[2:] if words[:1] == ["-c"] else words or [""]
exec(compile(source, "old", "exec"))' "$@"
"""
ENGINES = {
    "herder": pytest.param(HERDER, id="herder"),
    "stock": pytest.param(STOCK, id="ansible-playbook", marks=pytest.mark.slow),
}


@pytest.fixture(params=ENGINES.values())
def plays(
    machines: Machines, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> LabPlays:
    """Give what runs plays with the engine of this run of the test."""
    return LabPlays(machines, tmp_path_factory.mktemp("plays"), request.param)


def test_a_pattern_without_hosts_is_told_and_skipped(plays: LabPlays) -> None:
    """A play for servers that are not there yet is no error; a limit to them is."""
    done = plays.tasks(DONE, hosts="nowhere")
    limited = plays.tasks(DONE, words=("-l", "nowhere"))

    assert "Could not match supplied host pattern, ignoring: nowhere" in done.stderr
    assert "skipping: no hosts matched" in done.stdout
    assert done.returncode == 0
    assert "Specified inventory, host pattern and/or --limit leaves us with no" in limited.stderr
    assert limited.returncode == 1


def test_a_host_that_nobody_answers_for_is_unreachable(plays: LabPlays) -> None:
    """The others do not wait for it longer than its timeout."""
    address = plays.address("web1").rpartition(".")[0] + ".250"
    (plays.folder / "more.ini").write_text(f"[lab]\naway ansible_host={address}\n")

    done = plays.tasks(DONE, words=("-i", "more.ini", "-T", "4"))

    assert "fatal: [away]: UNREACHABLE! =>" in done.stdout
    assert "No route to host" in done.stdout or "timed out" in done.stdout
    assert done.stdout.count("ok=1 ") == 3
    assert done.returncode == 4


def test_a_wrong_key_is_said_in_the_words_of_ssh(plays: LabPlays) -> None:
    """People search for `Permission denied (publickey`.

    A connection that stands from a run before would not ask for the key.
    """
    key = plays.folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    (plays.folder / "more.ini").write_text(
        f"[lab]\nweb2 ansible_ssh_private_key_file={key}"
        f" ansible_ssh_extra_args='-o IdentitiesOnly=yes -o IdentityAgent=none"
        " -o ControlPath=none'\n"
    )

    done = plays.tasks(DONE, words=("-i", "more.ini"))

    assert "fatal: [web2]: UNREACHABLE! =>" in done.stdout
    assert "Permission denied (publickey" in done.stdout
    assert done.stdout.count("ok=1 ") == 2
    assert done.returncode == 4


def test_a_wrong_sudo_password_fails_the_task(plays: LabPlays) -> None:
    """It is a failure and not a host that cannot be reached."""
    state = plays.machines.state()
    (plays.folder / "more.ini").write_text(
        f"[lab]\nweb1 ansible_user={state.sudo_user} ansible_become_password=wrong\n"
        f"web2 ansible_user={state.sudo_user} ansible_become_password={state.sudo_password}\n"
    )

    done = plays.tasks(DONE, become=True, words=("-i", "more.ini", "-l", "web1:web2"))

    assert "Incorrect sudo password" in done.stdout
    assert "fatal: [web1]: FAILED! =>" in done.stdout
    assert "changed: [web2]" in done.stdout
    assert done.returncode == 2


def test_a_missing_sudo_password_is_asked_for(plays: LabPlays) -> None:
    """Nobody sits at a prompt that never comes."""
    (plays.folder / "more.ini").write_text("[lab]\nweb1 ansible_user=deploy\n")

    done = plays.tasks(DONE, become=True, words=("-i", "more.ini"))

    assert "Missing sudo password" in done.stdout
    assert done.stdout.count("ok=1 ") == 2
    assert done.returncode == 2


def test_a_wrong_vault_password_names_the_file(plays: LabPlays, secret_file: str) -> None:
    """Nothing of the file's content is in the words."""
    words = ("--vault-password-file", "wrong")
    done = plays.tasks(DONE, vars_files=[secret_file], words=words)

    assert "Decryption failed" in done.stderr
    assert secret_file in done.stderr
    assert done.returncode in (1, 4)


def test_the_right_vault_password_opens_the_file(plays: LabPlays, secret_file: str) -> None:
    """Its values go to the hosts."""
    task = {"command": "echo {{ hidden }}"}
    words = ("--vault-password-file", "right", "-v")
    done = plays.tasks(task, vars_files=[secret_file], words=words)

    assert done.stdout.count('"stdout": "value"') == 3
    assert done.returncode == 0


def test_an_undefined_variable_is_told_with_line_and_column(plays: LabPlays) -> None:
    """The host where it is defined goes on."""
    text = (
        "- hosts: lab\n  gather_facts: false\n  vars:\n    colors: {web1: red}\n  tasks:\n"
        '    - command: echo {{ colors[inventory_hostname] }}\n    - command: echo {{ "on" }}\n'
    )

    done = plays.text(text)

    assert "site.yml:6:" in done.stdout + done.stderr
    assert "has no attribute 'web2'" in done.stdout
    assert done.stdout.count("failed=1 ") == 2
    assert "web1                       : ok=2 " in done.stdout
    assert done.returncode == 2


BAD = {
    "yaml": (
        "- hosts: lab\n  tasks:\n    - debug:\n        msg: 'open\n",
        "YAML parsing failed",
        4,
    ),
    "no role": ("- hosts: lab\n  roles:\n    - nobody.wrote\n", "role 'nobody.wrote' was not", 1),
    "no module": (
        "- hosts: lab\n  tasks:\n    - no_such_module:\n",
        "couldn't resolve module/action 'no_such_module'",
        4,
    ),
    "no word of plays": ("- hosts: lab\n  task: []\n", "'task' is not a valid attribute", 4),
}


@pytest.mark.parametrize(("text", "message", "code"), BAD.values(), ids=BAD)
def test_bad_content_is_told_with_its_place(
    plays: LabPlays, text: str, message: str, code: int
) -> None:
    """Nothing is done on any host."""
    done = plays.text(text)

    assert message in done.stderr
    assert "site.yml:" in done.stderr
    assert "ok=" not in done.stdout
    assert done.returncode == code


def test_a_host_without_python_can_be_given_one(plays: LabPlays) -> None:
    """Its modules fail with a clear message; raw works, and all works once Python is there."""
    hide = "mkdir -p /opt/hidden && mv /usr/bin/python3* /opt/hidden/"
    show = "mv /opt/hidden/python3* /usr/bin/"
    plays.inside("web3", hide)
    try:
        without = plays.tasks(DONE)
        given = plays.tasks({"raw": show}, {"ping": {}}, hosts="web3")
    finally:
        plays.inside("web3", show)

    assert "fatal: [web3]:" in without.stdout
    assert "python" in without.stdout.partition("fatal: [web3]:")[2].lower()
    assert without.stdout.count("ok=1 ") == 2
    assert without.returncode in (2, 4)
    assert "ok=2 " in given.stdout
    assert given.returncode == 0


def test_an_old_python_is_named_with_what_is_needed(plays: LabPlays) -> None:
    """Raw commands still work there."""
    old = "/opt/old-python"
    plays.inside("web3", f"cat > {old} <<'END'\n{OLD_PYTHON}END\nchmod 755 {old}")
    (plays.folder / "more.ini").write_text(f"[lab]\nweb3 ansible_python_interpreter={old}\n")

    done = plays.tasks({"raw": "echo raw"}, DONE, words=("-i", "more.ini"))

    assert "fatal: [web3]:" in done.stdout
    assert "3.6.9" in done.stdout
    assert "3.8" in done.stdout
    assert done.stdout.count("ok=2 ") == 2
    assert "web3                       : ok=1 " in done.stdout
    assert done.returncode == 2
