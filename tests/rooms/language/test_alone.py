"""language/alone.py: what many hosts do to one file on the controller."""

from __future__ import annotations

from pathlib import Path

import pytest

from herder.language.alone import is_alone
from tests.rooms.language.conftest import Play

HOSTS = [f"web{number}" for number in range(20)]
LOCAL = {
    "connection": "local",
    "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
}


def test_each_of_many_hosts_adds_its_line_to_one_report(play: Play, tmp_path: Path) -> None:
    """With five forks it nearly always works, so people do it."""
    report = tmp_path / "report.csv"
    line = {"path": str(report), "line": "{{ inventory_hostname }}", "create": True}
    task = {"lineinfile": line, "delegate_to": "localhost"}

    done = play([task], "-i", ",".join(HOSTS), hosts="all")

    assert done.returncode == 0, done.stdout
    assert sorted(report.read_text().split()) == sorted(HOSTS)


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("ansible.builtin.lineinfile", True),
        ("ansible.legacy.apt", True),
        ("community.general.ini_file", True),
        ("own_module", False),
        ("ansible.builtin.wait_for", False),
        ("ansible.legacy.command", False),
    ],
)
def test_what_only_waits_or_asks_runs_side_by_side(module: str, *, expected: bool) -> None:
    """Three hundred hosts that wait for their own port must not do so one after another."""
    assert is_alone(module) is expected


def test_the_controller_runs_ten_programs_of_many_hosts_at_once(play: Play, tmp_path: Path) -> None:
    """Five hundred would need more memory than it has."""
    here = tmp_path / "here"
    line = f"mkdir -p {here}/$$; ls {here} | wc -l; sleep 0.2; rmdir {here}/$$"
    tasks = [
        {"shell": line, "register": "seen"},
        {"assert": {"that": "seen.stdout | int <= 10"}},
    ]

    done = play(tasks, "-i", ",".join(HOSTS), hosts="all", **LOCAL)

    assert done.returncode == 0, done.stdout


def test_who_asks_for_forks_gets_them_on_the_controller_too(play: Play, tmp_path: Path) -> None:
    """Plays of network devices do all their work there."""
    here = tmp_path / "here"
    here.mkdir()
    all_there = f"[ $(ls {here} | wc -l) = {len(HOSTS)} ]"
    line = f"touch {here}/$$; for n in $(seq 200); do {all_there} && exit; sleep 0.1; done; exit 1"

    done = play([{"shell": line}], "-i", ",".join(HOSTS), "-f20", hosts="all", **LOCAL)

    assert done.returncode == 0, done.stdout
