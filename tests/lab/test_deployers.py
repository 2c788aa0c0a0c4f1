"""Deployers on real servers that are two, that die or that lose a host in the middle."""

from __future__ import annotations

import time

import pytest

from herder.lab import faults
from herder.lab.machines import Machines
from tests.support.lab_site import LabSite

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

ALIVE = "-o ServerAliveInterval=1 -o ServerAliveCountMax=3"
LEASE_SECONDS = 30


def test_second_deployer_is_told_and_may_wait(served: LabSite) -> None:
    """Two at once would mix their releases."""
    first = served.start("--release", "r2", "--message", "the first", dwell=6, dwell_on="web1")
    assert served.serves("web1", "r2")

    said = served.deploy("r3", code=2)
    waited = served.start("--release", "r4", "--wait", "200")
    done, after = served.plays.done(first, 280), served.plays.done(waited, 280)

    assert "deploys release r2 since" in said
    assert "the first" in said
    assert (done.returncode, after.returncode) == (0, 0), done.stdout + after.stdout
    assert served.current() == ["r4"] * 3


def test_next_deployer_gets_the_lease_of_a_killed_one(served: LabSite) -> None:
    """A lock file would have to be removed by hand."""
    first = served.start("--release", "r2", dwell=60, dwell_on="web1")
    assert served.serves("web1", "r2")
    first.kill()
    killed = time.monotonic()
    first.communicate()

    served.deploy("r3", "--wait", "200")

    lease_came = float(str(served.log("web1")[-1]["seconds"]))
    assert time.monotonic() - killed - lease_came < LEASE_SECONDS + 10
    assert served.current() == ["r3"] * 3


def test_host_that_dies_in_the_middle_is_lost_and_the_rest_goes_back(
    served: LabSite, cable: Machines
) -> None:
    """The cut-off host finds its own way back by its guard."""
    process = served.start(
        *("--release", "r2", "-T", "5"),
        dwell=12,
        dwell_on="web3",
        deploy_guard_seconds=30,
        ansible_ssh_extra_args=ALIVE,
    )
    assert served.serves("web3", "r2")
    faults.cut_network(cable, "web3")
    done = served.plays.done(process, 280)

    faults.restore_network(cable, "web3")
    assert done.returncode == 4, done.stdout
    assert "unreachable" in done.stdout
    assert served.current()[:2] == ["r1", "r1"]
    assert served.serves("web3", "r1")


def test_interrupted_release_is_never_gone_back_to(served: LabSite) -> None:
    """Ctrl-C, another deployment, a rollback: elsewhere half a release serves (C, D)."""
    process = served.start("--release", "half", deploy_before_symlink_tasks_file=_hold(served))
    half = f"test -e {served.root}/releases/half/index.html"
    assert served.plays.wait_until("web2", half, seconds=200)
    process.kill()
    process.communicate()
    served.deploy("r2", "--wait", "60")

    served.run(command="rollback")

    assert served.current() == ["r1"] * 3


def _hold(site: LabSite) -> str:
    hook = site.plays.folder / "hold.yml"
    hook.write_text("- command: sleep 60\n")
    return str(hook)


@pytest.mark.slow
def test_a_silent_host_does_not_cost_the_others_their_lease(
    served: LabSite, cable: Machines
) -> None:
    """Its renewal is waited for; theirs must go on, or somebody else deploys in between."""
    process = served.start("--release", "r2", dwell=45, dwell_on="web1")
    assert served.serves("web1", "r2")
    faults.cut_network(cable, "web3")
    left = (
        "import json, time; print(json.load(open('.herder/lease.json'))['expires'] - time.time())"
    )

    time.sleep(38)
    said = served.plays.inside("web2", f'cd {served.root} && python3 -c "{left}"')
    faults.restore_network(cable, "web3")
    served.plays.done(process, 200)

    assert float(said) > 0
