"""Ctrl-C and a cancelled job: hosts are left whole, and the person is told how."""

from __future__ import annotations

import re
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.support.lab_site import ANSISTRANO_ROLE, HERDER_ROLE, HOSTS, LabSite

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

INTERRUPTED = 99
PACK = """\
- hosts: lab
  gather_facts: false
  tasks:
    - copy: {content: code, dest: "{{ deploy_scratch }}/code.tar.gz"}
      delegate_to: localhost
      run_once: true
"""


@pytest.mark.parametrize(
    "role",
    [
        pytest.param(HERDER_ROLE, id="herder"),
        pytest.param(str(ANSISTRANO_ROLE), id="ansistrano", marks=pytest.mark.slow),
    ],
)
def test_interrupt_while_hosts_switch_takes_all_back(served: LabSite) -> None:
    """Two hosts have the release, one of them is in the middle of its gates."""
    served.push("two")
    process = served.start("--release", "r2", dwell=90, dwell_on="web2")
    assert served.serves("web2", "r2")

    process.send_signal(signal.SIGINT)
    done = served.plays.done(process, 200)

    assert done.returncode == INTERRUPTED, done.stdout + done.stderr
    assert len(re.findall(r" r2 .* r1 +taken back", done.stdout)) == 2, done.stdout
    assert "interrupted while hosts switched" in " ".join(done.stdout.split())
    assert served.current() == ["r1"] * 3
    assert served.look("ls .herder/lease.json 2>&1 | grep -c 'No such'") == ["1"] * 3
    served.deploy("r3")
    assert served.current() == ["r3"] * 3


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_cancelled_job_while_hosts_are_staged_leaves_nothing(
    served: LabSite, number: signal.Signals
) -> None:
    """No half release to go back to (C, D), no lease, no folder of the controller's."""
    served.deploy("ra")
    playbook = served.plays.folder / "deploy.yml"
    playbook.write_text(PACK + playbook.read_text())
    process = _hold_while_staging(served)
    assert _scratch(served) != []

    process.send_signal(number)
    done = served.plays.done(process, 200)

    assert done.returncode == INTERRUPTED, done.stdout + done.stderr
    assert "before any host switched" in " ".join(done.stdout.split())
    assert served.look("ls releases; ls .herder/unfinished") == ["r1\nra"] * 3
    assert _scratch(served) == []
    served.run(command="rollback")
    assert served.current() == ["r1"] * 3


@pytest.mark.slow
def test_interrupt_on_the_way_back_tells_where_each_host_is(served: LabSite) -> None:
    """Who asks twice gets the machine back at once; the table says what each host serves."""
    hook = served.plays.folder / "slow.yml"
    hook.write_text("- command: sleep 90\n  when: deploy_is_going_back is defined\n")
    process = served.start(
        *("--release", "r2"),
        dwell=90,
        dwell_on="web2",
        deploy_after_symlink_tasks_file=str(hook),
    )
    assert served.serves("web2", "r2")
    process.send_signal(signal.SIGINT)
    assert served.serves("web2", "r1")
    process.send_signal(signal.SIGINT)

    done = served.plays.done(process, 60)

    assert done.returncode == INTERRUPTED
    rows = {host: re.search(rf"{host} +r1 .*", done.stdout) for host in HOSTS}
    states = [row.group(0) if row else "" for row in rows.values()]
    assert re.search(r"r2 +r2 +failed +not taken back", states[0]), done.stdout
    assert re.search(r"r2 +r1 +taken back", states[1]), done.stdout
    assert re.search(r"r1 +not switched", states[2]), done.stdout
    served.deploy("r3")
    assert served.current() == ["r3"] * 3


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_job_that_is_cancelled_on_the_way_back_goes_on_with_it(
    served: LabSite, number: signal.Signals
) -> None:
    """It fails its gate, and then its time is over, too: no host stays on what failed."""
    hook = served.plays.folder / "slow.yml"
    hook.write_text("- command: sleep 3\n  when: deploy_is_going_back is defined\n")
    served.refuse("web2", "r2")
    process = served.start("--release", "r2", deploy_after_symlink_tasks_file=str(hook))
    assert served.serves("web2", "r2")
    assert served.serves("web2", "r1")

    process.send_signal(number)
    done = served.plays.done(process, 60)

    assert done.returncode == 2, done.stdout + done.stderr
    assert "going back already" in done.stdout + done.stderr
    assert served.current() == ["r1"] * 3
    served.deploy("r3")
    assert served.current() == ["r3"] * 3


@pytest.mark.slow
def test_nothing_is_left_on_the_controller_by_a_deployment_that_failed(served: LabSite) -> None:
    """The play that tidies up does not run then."""
    playbook = served.plays.folder / "deploy.yml"
    playbook.write_text(PACK + playbook.read_text())
    served.refuse("web1", "r2")

    served.deploy("r2", code=2)

    assert _scratch(served) == []


def _hold_while_staging(site: LabSite) -> subprocess.Popen[str]:
    """Start a deployment that waits on all hosts before its switch."""
    hook = site.plays.folder / "hold.yml"
    hook.write_text("- command: sleep 90\n")
    process = site.start("--release", "r2", ansistrano_before_symlink_tasks_file=str(hook))
    for host in HOSTS:
        assert site.plays.wait_until(host, "pgrep -f '[s]leep 90'", seconds=200)
    return process


def _scratch(site: LabSite) -> list[Path]:
    """Give the folders that the deployment which was started last has on this machine."""
    owner = site.started[-1].pid
    return list(Path(tempfile.gettempdir()).glob(f"herder-deploy-{owner}-*"))
