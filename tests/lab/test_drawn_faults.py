"""What befalls a fleet while it is deployed, drawn by lot: every host goes on with a whole release.

Cables are pulled, power goes, machines reboot or freeze, agents and logins are killed, the deployer
is asked to end or killed; half of the releases fail their gate. A failure is repeated with the seed
that it prints: TEST_SEED=SEED.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable

import pytest

from herder.lab import faults
from herder.lab.machines import Machines
from tests.support.lab_site import HOSTS, LabSite

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.timeout(3600)]

SEED = int(os.environ.get("TEST_SEED") or random.SystemRandom().randrange(1 << 30))
TURNS = 20
SECONDS = (0.5, 3, 10, 40)
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)
# web1 has the repository
VICTIMS = HOSTS[1:]

Process = subprocess.Popen[str]
Fault = Callable[[Process], None]


def test_whatever_befalls_the_fleet_every_host_serves_a_whole_release(served: LabSite) -> None:
    """Where the deployment failed it is the one before; the next deployment is well everywhere."""
    lot = random.Random(SEED)
    served.push_many("usual")
    served.deploy("usual")

    for turn in range(TURNS):
        before, release = served.whole()[0], f"drawn-{turn}"
        served.push_many(release)
        refuses = lot.choice([None, None, *HOSTS[:2]])
        if refuses is not None:
            served.refuse(refuses, release)
        name, fault = _drawn(served, lot)
        moment = lot.uniform(0.3, 6 if refuses else 3)
        said = f"seed {SEED}, turn {turn}: {name} at {moment:.2f} s, refused by {refuses}"
        print(said)  # noqa: T201 - a failure can be repeated with it

        process = served.start("--release", release, batch=lot.choice([1, 2, 3]))
        time.sleep(moment)
        fault(process)
        done = served.plays.done(process, 280)

        _all_up(served)
        goal = f"{release} {release}"
        assert "Traceback" not in done.stderr, said
        assert set(served.whole()) <= {before, goal}, said
        if done.returncode == 0:
            assert served.whole() == [goal] * 3, said
        elif refuses and done.returncode != -signal.SIGKILL:
            assert served.whole() == [before] * 3, said + done.stdout

        served.push_many(f"next-{turn}")
        served.deploy(f"next-{turn}", "--wait", "200", deploy_keep_releases=3)
        assert served.whole() == [f"next-{turn} next-{turn}"] * 3, said
        assert served.half_built() == "", said


def _drawn(site: LabSite, lot: random.Random) -> tuple[str, Fault]:
    machines, victim, seconds = site.plays.machines, lot.choice(VICTIMS), lot.choice(SECONDS)
    asked = lot.choice(SIGNALS)
    drawn: dict[str, Fault] = {
        f"{victim} cut off for {seconds} s": lambda _: _cut(machines, (victim,), seconds),
        f"all cut off for {seconds} s": lambda _: _cut(machines, HOSTS, seconds),
        f"{victim} without power": lambda _: _without_power(machines, victim),
        f"{victim} reboots": lambda _: _inside(site, victim, "systemctl reboot"),
        f"{victim} frozen for {seconds} s": lambda _: _frozen(machines, victim, seconds),
        f"agents of {victim} killed": lambda _: _inside(site, victim, "pkill -9 -f '[H]ERDER'"),
        f"logins of {victim} killed": lambda _: _inside(site, victim, "pkill -9 -f '[s]shd: '"),
        f"deployer gets {asked.name}": lambda process: process.send_signal(asked),
    }
    return lot.choice(list(drawn.items()))


def _cut(machines: Machines, names: tuple[str, ...], seconds: float) -> None:
    for name in names:
        faults.cut_network(machines, name)
    time.sleep(seconds)
    for name in names:
        faults.restore_network(machines, name)


def _frozen(machines: Machines, name: str, seconds: float) -> None:
    faults.freeze_machine(machines, name)
    time.sleep(seconds)
    faults.thaw_machine(machines, name)


def _without_power(machines: Machines, name: str) -> None:
    faults.kill_machine(machines, name)
    machines.boot(name)
    machines.wait(name)


def _inside(site: LabSite, name: str, line: str) -> None:
    site.plays.inside(name, line)


def _all_up(site: LabSite) -> None:
    """Wait for all machines; what served on one that came up again is started again."""
    for host in HOSTS:
        assert site.plays.wait_until(host, "systemctl is-active -q ssh", seconds=60)
    site.make()
