"""The command `herder scale`, broken off while a playbook of its runs."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.two_engines import without_ansible

_CREATE = """\
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - ansible.builtin.command: sleep {mark}
"""


@pytest.mark.timeout(60)
def test_broken_off_ends_its_playbook_and_says_how_to_go_on(tmp_path: Path) -> None:
    """A cancelled job left the playbook behind, which went on creating servers unseen; and Ctrl-C
    said nothing of those that were there.
    """
    mark = f"62.{time.time_ns()}"
    (tmp_path / "aws.yml").write_text(_CREATE.format(mark=mark))
    (tmp_path / "hosts.ini").write_text("[webserver]\nweb1\n")
    words = ("scale", "2", "-i", "hosts.ini", "--folder", str(tmp_path))
    command = subprocess.Popen(
        [sys.executable, "-m", "herder", *words],
        env=without_ansible(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )

    while command.poll() is None and not _is_running(mark):
        time.sleep(0.1)
    command.send_signal(signal.SIGTERM)
    said = command.communicate()[0]

    assert command.returncode == 99, said
    assert "The same command again goes on from" in said
    assert not _is_running(mark)


def _is_running(mark: str) -> bool:
    return subprocess.run(["pgrep", "-f", f"^sleep {mark}"], capture_output=True).returncode == 0
