"""Counts that make speed and do not depend on the machine: speed cannot be lost unseen.

The bounds are what was counted and some room. A count that has to grow for a good reason gets a
new bound here, in the commit that makes it grow.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks import tasks
from herder.wire.bootstrap import LENGTH_DIGITS, agent_payload
from herder.wire.frames import FrameDecoder, Kind

REPOSITORY = Path(__file__).parents[2]
SSH = REPOSITORY / "tests" / "support" / "counted_ssh.py"
TASKS = 5 * tasks.ROUNDS

# with the tests on lab machines, because counting processes apart needs root
pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]


@dataclass(frozen=True)
class Counts:
    """What a run cost one host."""

    calls: int
    bytes_sent: int
    bytes_received: int
    compilations: int


class Place:
    """Hosts that are shells on this machine, and a playbook of 30 tasks for them."""

    def __init__(self, folder: Path, hosts: int) -> None:
        self.folder = folder
        self.names = [f"host{number}" for number in range(hosts)]
        tasks.write(folder, str(folder / "site" / "{{ inventory_hostname }}"))
        ssh = folder / "ssh"
        ssh.write_text(f'#!/bin/sh\nexec {sys.executable} {SSH} {folder} "$@"\n')
        ssh.chmod(0o755)
        names = "\n".join(self.names)
        (folder / "hosts.ini").write_text(f"[all]\n{names}\n[all:vars]\nansible_user=nobody\n")

    def run(self, playbook: str = "playbook.yml") -> Counts:
        """Run the playbook and count."""
        number = len(list((self.folder / self.names[0]).glob("in-*")))
        done = subprocess.run(
            [
                *(sys.executable, "-m", "tests.support.counted_run", self.folder / "compilations"),
                *("playbook", "--output", "plain", "-i", self.folder / "hosts.ini"),
                self.folder / playbook,
            ],
            env={
                **os.environ,
                "PYTHONPATH": f"{REPOSITORY / 'src'}{os.pathsep}{REPOSITORY}",
                "ANSIBLE_SSH_EXECUTABLE": str(self.folder / "ssh"),
                "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
                "HOME": str(self.folder / "home"),
            },
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        sent = (self.folder / self.names[0] / f"in-{number}").read_bytes()
        received = (self.folder / self.names[0] / f"out-{number}").read_bytes()
        compilations = int((self.folder / "compilations").read_text())
        return Counts(_calls(sent), len(sent), len(received), compilations)


def _calls(sent: bytes) -> int:
    """Count what the controller asked for: each is a round trip."""
    payload = LENGTH_DIGITS + int(sent[:LENGTH_DIGITS], 16)
    frames = FrameDecoder().feed(sent[payload:])
    return sum(frame.kind in (Kind.CALL, Kind.SUPPLY) for frame in frames)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Counts, Counts]:
    """Give a run on fresh hosts and one that changes nothing."""
    place = Place(tmp_path_factory.mktemp("two"), 2)
    return place.run(), place.run()


def test_an_unchanged_task_takes_little_more_than_one_round_trip(
    runs: tuple[Counts, Counts],
) -> None:
    """Far-away hosts are as slow as there are round trips; only the first file costs two."""
    assert runs[1].calls / TASKS <= 1.1


def test_a_changed_task_takes_few_round_trips(runs: tuple[Counts, Counts]) -> None:
    """Files that are sent, and modules that a fresh host lacks, cost one more each."""
    assert runs[0].calls / TASKS <= 3.2


def test_a_fresh_host_is_sent_little(runs: tuple[Counts, Counts]) -> None:
    """The agent and what modules import go over the wire once, compressed."""
    assert runs[0].bytes_sent <= 300_000


def test_a_warm_host_is_sent_next_to_nothing(runs: tuple[Counts, Counts]) -> None:
    """What a host has kept is not sent again: the agent's start and the calls remain."""
    # how much starts an agent is bound in tests/rooms/wire/test_bootstrap.py
    assert runs[1].bytes_sent <= len(agent_payload()) + 1_100 * TASKS
    assert runs[1].bytes_received <= 2_500 * TASKS


def test_templates_are_compiled_once_for_all_hosts(
    runs: tuple[Counts, Counts], tmp_path: Path
) -> None:
    """More hosts must not mean more compiling: it was most of what templating costs."""
    more = Place(tmp_path, 5).run()

    assert more.compilations <= runs[0].compilations + 2
    assert more.compilations <= 60


def test_a_directory_is_copied_and_copied_again_with_a_few_questions(tmp_path: Path) -> None:
    """Two questions for each file would make a tree of thousands a matter of minutes."""
    place = Place(tmp_path, 1)
    (tmp_path / "tree").mkdir()
    for number in range(100):
        (tmp_path / "tree" / f"file{number}").write_text("moo")
    (tmp_path / "tree.yml").write_text(
        "- hosts: all\n  gather_facts: false\n  tasks:\n"
        f"    - ansible.builtin.copy: {{src: tree/, dest: {tmp_path}/copied/}}\n"
    )

    first, second = (place.run("tree.yml").calls for _ in range(2))

    assert len(list((tmp_path / "copied").iterdir())) == 100
    assert first <= 16
    assert second <= 12


@pytest.mark.skipif(os.geteuid() != 0, reason="processes are numbered apart for root only")
@pytest.mark.parametrize(
    ("task", "children"),
    [
        pytest.param("slurp: {src: /etc/hostname}", 10, id="a module has its own child"),
        pytest.param("file: {path: /tmp, state: directory}", 1, id="nothing to do needs none"),
    ],
)
def test_ten_tasks_start_few_processes_on_the_host(
    tmp_path: Path, task: str, children: int
) -> None:
    """A python or a shell more for each task would cost more than the module."""
    place = Place(tmp_path, 1)
    number = "      ansible.builtin.shell: echo $PPID > {}\n"
    between = f"    - ansible.builtin.{task}\n" * 10
    first, last = tmp_path / "first", tmp_path / "last"
    (tmp_path / "count.yml").write_text(
        "- hosts: all\n  gather_facts: false\n  tasks:\n"
        f"    - name: first\n{number.format(first)}{between}"
        f"    - name: last\n{number.format(last)}"
    )

    place.run("count.yml")

    # beside the ten, the shell of the first task and the module of the last
    started = int(last.read_text()) - int(first.read_text()) - 2
    assert started <= children
