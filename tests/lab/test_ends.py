"""Runs that end before their time, and hosts that go away: what stays is nothing."""

from __future__ import annotations

import json
import signal
import time

import pytest

from herder.lab import faults
from herder.lab.servers import ServerWish
from tests.support.lab_plays import LabPlays

pytestmark = [pytest.mark.lab, pytest.mark.timeout(150)]

NAMES = ("web1", "web2", "web3")
ALIVE = "-o ServerAliveInterval=1 -o ServerAliveCountMax=3"


def sleeping(mark: str) -> str:
    """Give a playbook whose one task goes on for long."""
    play = {"hosts": "lab", "gather_facts": False, "tasks": [{"command": f"sleep {mark}"}]}
    return json.dumps([play])


@pytest.fixture
def mark() -> str:
    """Give seconds to sleep that no other test sleeps."""
    return f"97.{time.time_ns() % 1_000_000}"


def test_a_killed_controller_leaves_no_agent(plays: LabPlays, mark: str) -> None:
    """A closed laptop must not leave half a task running on the fleet."""
    process = plays.start(sleeping(mark))
    for name in NAMES:
        assert plays.wait_until(name, f"pgrep -f '[s]leep {mark}'")

    process.send_signal(signal.SIGKILL)
    process.communicate()

    for name in NAMES:
        assert plays.agents_end(name), plays.inside(name, "ps axfww")
        assert plays.wait_until(name, f"! pgrep -f '[s]leep {mark}'")


def test_an_interrupted_run_ends_with_99_and_leaves_nothing(plays: LabPlays, mark: str) -> None:
    """Ctrl-C is how people stop a playbook."""
    process = plays.start(sleeping(mark))
    for name in NAMES:
        assert plays.wait_until(name, f"pgrep -f '[s]leep {mark}'")

    process.send_signal(signal.SIGINT)
    done = plays.done(process, 30)

    assert done.returncode == 99
    assert "Traceback" not in done.stderr
    for name in NAMES:
        assert plays.agents_end(name), plays.inside(name, "ps axfww")
        assert plays.wait_until(name, f"! pgrep -f '[s]leep {mark}'")


def test_a_cut_network_takes_one_host_out(plays: LabPlays, mark: str) -> None:
    """The rest go on with the next task."""
    (plays.folder / "more.ini").write_text(f"[lab:vars]\nansible_ssh_extra_args='{ALIVE}'\n")
    slow = {"shell": f"test $(hostname) != web2 || sleep {mark}"}
    play = {"hosts": "lab", "gather_facts": False, "tasks": [slow, {"command": "echo on"}]}
    process = plays.start(json.dumps([play]), "-i", "more.ini")
    assert plays.wait_until("web2", f"pgrep -f '[s]leep {mark}'")

    faults.cut_network(plays.machines, "web2")
    try:
        done = plays.done(process)
    finally:
        faults.restore_network(plays.machines, "web2")

    assert "fatal: [web2]: UNREACHABLE! =>" in done.stdout
    assert done.stdout.count("ok=2 ") == 2
    assert done.returncode == 4
    assert plays.agents_end("web2", seconds=60)


def test_a_full_disk_is_said_in_a_sentence(plays: LabPlays) -> None:
    """And no half file stands in the place of a whole one."""
    machines = plays.machines
    machines.create(ServerWish("small", disk_megabytes=64))
    machines.boot("small")
    machines.wait("small")
    try:
        plays.inside("small", "echo whole > /root/target")
        faults.fill_disk(machines, "small")
        (plays.folder / "big").write_text("x" * 3_000_000)
        (plays.folder / "small.ini").write_text(small_line(plays))
        task = {"copy": {"src": "big", "dest": "/root/target"}}

        done = plays.tasks(task, hosts="small", words=("-i", "small.ini"))
    finally:
        content = plays.inside("small", "cat /root/target")
        machines.destroy("small")

    assert "No space left on device" in done.stdout
    assert done.returncode == 2
    assert content == "whole\n"


def small_line(plays: LabPlays) -> str:
    return f"[lab]\nsmall ansible_host={plays.address('small')} ansible_user=root\n"


def test_hosts_that_reboot_go_on_with_the_next_task(plays: LabPlays) -> None:
    """A kernel update is a play like any other; the connection from before is gone."""
    identity = "cat /proc/sys/kernel/random/boot_id"
    before = [plays.inside(name, identity) for name in NAMES[1:]]

    done = plays.tasks({"reboot": {"reboot_timeout": 60}}, {"command": "true"}, hosts=NAMES[1:])

    after = [plays.inside(name, identity) for name in NAMES[1:]]
    assert done.returncode == 0, done.stdout + done.stderr
    assert not set(before) & {*after, ""}
