"""What action plugins do on a host."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.rooms.language.conftest import Play

MODULE = """\
from ansible.module_utils.basic import AnsibleModule
AnsibleModule({}, supports_check_mode=True).exit_json(ansible_facts={"gathered": "yes"})
"""


@pytest.fixture
def own_module(tmp_path: Path) -> str:
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "own_facts.py").write_text(MODULE)
    return "own_facts"


def test_a_module_detached_without_async_lies_in_a_file(play: Play, own_module: str) -> None:
    """Facts that are gathered in parallel use async_wrapper though the task has no `async`."""
    tasks = [
        {"gather_facts": {"parallel": True}, "vars": {"ansible_facts_modules": [own_module]}},
        {"assert": {"that": "ansible_facts.gathered == 'yes'"}},
    ]
    done = play(tasks)
    assert done.returncode == 0, done.stdout


def test_at_verbosity_three_the_command_line_is_told_with_shell_and_become(play: Play) -> None:
    """Scripts look into -vvv for how a host was reached, by which shell and as whom."""
    done = play(
        [{"command": "whoami", "become": True, "vars": {"ansible_become_flags": "-H -S"}}],
        "-vvv",
        environment={"ANSIBLE_BECOME_ALLOW_SAME_USER": "true"},
    )
    assert "EXEC /bin/sh -c 'sudo -H -S" in done.stdout


def test_local_modules_and_files_are_relative_to_the_playbook(play: Play, tmp_path: Path) -> None:
    """A local connection runs in the playbook's directory, wherever Herder was started."""
    tasks = [
        {"command": "touch beside"},
        {"file": {"path": "beside.d", "state": "directory"}},
        {"copy": {"content": "x", "dest": "beside.d"}, "ignore_errors": True},
        {"copy": {"content": "x", "dest": "beside.d/file"}},
    ]
    (tmp_path / "elsewhere").mkdir()
    done = play(tasks, directory=tmp_path / "elsewhere")
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "beside").exists()
    assert (tmp_path / "beside.d" / "file").read_text() == "x"


def test_a_raw_task_with_become_is_a_process_of_its_own(play: Play) -> None:
    """It works without Python, and with what the stock plugin knows of passwords and noise."""
    way = {"become": True, "become_user": "nobody"}
    variables = {"ansible_python_interpreter": "/nowhere/python"}
    done = play([{"raw": "echo $(whoami) was here", **way}], "-v", vars=variables)
    assert "nobody was here" in done.stdout
    assert done.returncode == 0


def test_a_shell_may_have_arguments(play: Play) -> None:
    """`executable` is words of a shell line, as ansible-core reads it."""
    tasks = [{"raw": "echo ${BASH_VERSION:+bash}", "args": {"executable": "/usr/bin/env bash"}}]
    assert '"stdout": "bash\\n"' in play(tasks, "-v").stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="makes an account")
def test_an_account_that_was_become_can_be_changed_and_removed(play: Play) -> None:
    """usermod and userdel refuse while the account has processes, and an agent is one."""
    tasks = [
        {"user": {"name": "herdertest", "create_home": False}},
        {"command": "whoami", "become": True, "become_user": "herdertest"},
        {"user": {"name": "herdertest", "uid": 54321}},
        {"command": "whoami", "become": True, "become_user": "herdertest"},
        {"user": {"name": "herdertest", "state": "absent", "remove": True}},
    ]
    try:
        done = play(tasks, vars={"ansible_python_interpreter": "/usr/bin/python3"})
    finally:
        subprocess.run(["userdel", "--remove", "herdertest"], capture_output=True, check=False)
    assert done.returncode == 0, done.stdout


def test_an_omitted_limit_of_open_files_is_none(play: Play) -> None:
    """The option may be a template like any other."""
    tasks = [{"ping": {}, "vars": {"ansible_python_module_rlimit_nofile": "{{ omit }}"}}]
    assert play(tasks).returncode == 0


def test_a_copy_through_a_relative_link_finds_its_file(play: Play, tmp_path: Path) -> None:
    """ansible-core goes on with the path that the link leads to, not with what the link says."""
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to("./file")
    (tmp_path / "elsewhere").mkdir()
    content = {"content": "x", "dest": str(tmp_path / "link"), "follow": True}
    done = play([{"copy": content}], directory=tmp_path / "elsewhere")
    assert "ok=1    changed=0" in done.stdout
    assert (tmp_path / "link").is_symlink()


def test_a_kept_module_file_is_told_and_can_be_run_by_hand(play: Play) -> None:
    """ansible-core's documentation has people look for PUT and run what it names."""
    done = play([{"ping": {}}], "-vvv", environment={"ANSIBLE_KEEP_REMOTE_FILES": "1"})
    found = re.search(r"PUT .* TO (/\S+/AnsiballZ_ping.py)", done.stdout)
    assert found is not None
    subprocess.run([found[1], "explode"], capture_output=True, check=True)
    answer = subprocess.run([found[1], "execute"], capture_output=True, text=True, check=True)
    shutil.rmtree(Path(found[1]).parent)
    assert '"ping": "pong"' in answer.stdout


def test_a_log_may_be_told_more_than_the_terminal(play: Play, tmp_path: Path) -> None:
    """Its own verbosity counts for command lines too."""
    log = tmp_path / "log"
    environment = {"ANSIBLE_LOG_PATH": str(log), "ANSIBLE_LOG_VERBOSITY": "3"}
    done = play([{"ping": {}}], environment=environment)
    assert "EXEC" not in done.stdout
    assert "EXEC" in log.read_text()


def test_a_temporary_directory_that_cannot_be_made_or_removed_is_told_as_such(
    play: Play, tmp_path: Path
) -> None:
    """An open file over NFS failed tasks that were done, and a failure was hidden by the next."""
    (tmp_path / "file").touch()
    (tmp_path / "closes.sh").write_text('#!/bin/sh\ncd "${0%/*}"\nchmod 500 .\npwd\n')
    tasks = [
        {"script": "closes.sh", "become": True, "become_user": "nobody"},
        {"script": "closes.sh", "vars": {"ansible_remote_tmp": str(tmp_path / "file")}},
    ]
    done = play(tasks, "-v", vars={"ansible_python_interpreter": "/usr/bin/python3"})
    found = re.search(r'"stdout": "(/var/tmp/ansible-tmp-\S+)\\n"', done.stdout)
    assert found is not None
    shutil.rmtree(found[1])
    assert "Error deleting remote temporary files" in done.stderr
    assert "Failed to create temporary directory" in done.stdout + done.stderr
    assert done.returncode == 4


STATING = """\
from ansible.plugins.action import ActionBase
class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        found = self._execute_remote_stat("/etc/passwd", all_vars=task_vars, follow=True)
        return {"msg": f"owned by {found['pw_name']}, links: {found['nlink']}"}
"""


def test_an_action_plugin_of_the_users_is_told_all_that_stat_tells(
    play: Play, tmp_path: Path
) -> None:
    """ansible-core's own read a few fields; whoever wrote this one saw the module's answer."""
    (tmp_path / "action_plugins").mkdir()
    (tmp_path / "action_plugins" / "stating.py").write_text(STATING)
    done = play([{"stating": {}}], "-v")
    assert "owned by root, links: 1" in done.stdout


TRYING = """\
import os, signal
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        agent = self._connection.herder_session(as_become_user=False).facts.process_id
        os.kill(agent, signal.SIGKILL)
        said = []
        for _ in range(3):
            try:
                said.append(self._low_level_execute_command("echo here")["stdout_lines"][0])
            except AnsibleConnectionFailure:
                said.append("lost")
        return {"msg": " ".join(said)}
"""


def test_a_task_that_tries_again_after_a_loss_connects_anew(play: Play, tmp_path: Path) -> None:
    """So ansible-core asks for an async job when the network was away: it asked a dead session."""
    (tmp_path / "action_plugins").mkdir()
    (tmp_path / "action_plugins" / "trying.py").write_text(TRYING)
    done = play([{"trying": {}}], "-v")
    assert '"msg": "lost here here"' in done.stdout


def test_a_shell_reads_where_temporary_files_go(play: Play, tmp_path: Path) -> None:
    """`remote_tmp = /tmp/.ansible-${USER}` keeps users of one server apart."""
    place = f"{tmp_path}/of-${{WHOSE}}-$(echo all)/tmp"

    done = play(
        [{"copy": {"content": "x", "dest": f"{tmp_path}/copied"}}],
        vars={"ansible_remote_tmp": place},
        environment={"WHOSE": "me"},
    )

    assert done.returncode == 0, done.stdout
    assert (tmp_path / "copied").read_text() == "x"
    assert [path.name for path in tmp_path.glob("of-*")] == ["of-me-all"]
