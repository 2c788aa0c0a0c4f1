"""Playbooks as commands of their own: what came of them, and that they can be stopped."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret

from herder.lab.passwords import VaultPassword
from herder.lab.playing import Play, last_words, play, recap_sums
from herder.model.secret import Secret

RECAP = """
PLAY RECAP *********************************************************************
balancer                   : ok=5    changed=3    unreachable=0    failed=0    skipped=0
web1                       : ok=18   changed=14   unreachable=0    failed=0    skipped=1
"""


def _playbook(folder: Path, *tasks: str) -> Play:
    path = folder / "site.yml"
    lines = ["- hosts: localhost", "  connection: local", "  gather_facts: false", "  tasks:"]
    path.write_text("\n".join([*lines, *(f"    - {task}" for task in tasks), ""]))
    (folder / "ansible.cfg").write_text("[defaults]\n")
    return Play(
        path,
        ("-i", "localhost,"),
        {"greeting": "moo moo", "ansible_python_interpreter": sys.executable},
    )


def _count_processes(mark: str) -> int:
    said = subprocess.run(["pgrep", "-f", f"sleep {mark}"], capture_output=True, check=False).stdout
    return len(said.splitlines())


@pytest.mark.timeout(60)
async def test_run_tells_its_tasks_and_its_sums(tmp_path: Path) -> None:
    """The demo shows the tasks as they pass, and one line at the end."""
    tasks: list[str] = []
    what = _playbook(tmp_path, "command: echo {{ greeting }}", "debug: {msg: '{{ greeting }}'}")

    outcome = await play(what, on_task=tasks.append)

    assert (outcome.exit_code, outcome.tasks_ok, outcome.tasks_changed) == (0, 2, 1)
    assert tasks == ["command", "debug"]


@pytest.mark.timeout(60)
async def test_failed_run_tells_why(tmp_path: Path) -> None:
    """Somebody who sees the demo fail needs the playbook's last words."""
    what = _playbook(tmp_path, "fail: {msg: the barn is shut}")

    outcome = await play(what, on_task=lambda task: None)

    assert outcome.exit_code == 2
    assert "the barn is shut" in last_words(outcome.lines)


@pytest.mark.timeout(60)
async def test_run_has_the_passwords_and_files_of_who_began_it(tmp_path: Path) -> None:
    """It has no terminal to ask at, and its folder is not where a person named a file."""
    here = tmp_path / "here"
    here.mkdir()
    vault = VaultLib([("default", VaultSecret(b"hay"))])
    (here / "more.yml").write_bytes(vault.encrypt(b"greeting: mooo\n"))
    password = VaultPassword("", Secret("hay"))
    task = "assert: {that: greeting == 'mooo'}"
    what = replace(_playbook(tmp_path, task), variables={}, passwords=(password,), directory=here)

    outcome = await play(
        replace(what, options=(*what.options, "-e", "@more.yml")), on_task=lambda task: None
    )

    assert outcome.exit_code == 0, last_words(outcome.lines)


@pytest.mark.timeout(60)
async def test_stopped_run_leaves_no_process(tmp_path: Path) -> None:
    """Ctrl-C in the demo must end what runs on its hosts."""
    mark = f"61.{time.time_ns()}"
    what = _playbook(tmp_path, f"command: sleep {mark}")

    stopped = asyncio.create_task(play(what, on_task=lambda task: None))
    while not _count_processes(mark):
        ended, _ = await asyncio.wait([stopped], timeout=0.1)
        assert not ended, last_words(stopped.result().lines)
    stopped.cancel()
    await asyncio.wait([stopped])

    assert _count_processes(mark) == 0


def test_recap_is_added_up() -> None:
    """One line instead of a table per playbook."""
    assert recap_sums(RECAP.splitlines()) == (23, 17)
