"""The roles under plain ansible-playbook, on "hosts" that are directories of this machine."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

COLLECTIONS = Path(__file__).parents[3] / "src" / "herder" / "collections"
HOSTS = ("web1", "web2", "web3")
HOOKS = [
    f"{when}_{stage}"
    for stage in ("setup", "update_code", "symlink_shared", "symlink", "cleanup")
    for when in ("before", "after")
]
DEPLOY = """
- hosts: all
  gather_facts: false
  serial: "{{ batch | default('100%') }}"
  roles: [herder.deploy.app]
"""
ROLLBACK = """
- hosts: all
  gather_facts: false
  roles: [herder.deploy.rollback]
"""


@dataclass
class Fleet:
    """Three hosts, a repository, and the two playbooks."""

    root: Path

    def __post_init__(self) -> None:
        (self.root / "deploy.yml").write_text(DEPLOY)
        (self.root / "rollback.yml").write_text(ROLLBACK)
        lines = [
            f"{host} ansible_connection=local ansible_python_interpreter={sys.executable}"
            f" ansistrano_deploy_to={self.root}/{host}"
            for host in HOSTS
        ]
        (self.root / "hosts.ini").write_text("\n".join(lines) + "\n")
        origin = self.root / "origin"
        origin.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        self.push("one")

    def git(self, *words: str) -> str:
        """Run git in the repository that is deployed."""
        command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *words]
        place = self.root / "origin"
        done = subprocess.run(command, cwd=place, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def push(self, content: str) -> str:
        """Make a new commit on the branch and give it."""
        (self.root / "origin" / "index.html").write_text(content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", content)
        return self.git("rev-parse", "HEAD")

    def start(self, playbook: str, *arguments: str, **variables: object) -> subprocess.Popen[str]:
        """Start ansible-playbook."""
        given = {
            "ansistrano_deploy_via": "git",
            "ansistrano_git_repo": str(self.root / "origin"),
            "ansistrano_git_branch": "main",
            **variables,
        }
        words = [
            str(Path(sys.executable).with_name("ansible-playbook")),
            "-i",
            "hosts.ini",
            playbook,
        ]
        words += ["-e", json.dumps(given), *arguments]
        environment = dict(
            os.environ,
            ANSIBLE_COLLECTIONS_PATH=str(COLLECTIONS),
            ANSIBLE_LOCALHOST_WARNING="false",
            ANSIBLE_HOME=str(self.root / "ansible-home"),
            ANSIBLE_NOCOLOR="true",
        )
        return subprocess.Popen(
            words, cwd=self.root, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def run(self, playbook: str, *arguments: str, **variables: object) -> str:
        """Run ansible-playbook to its end and give what it said; `status` is the one expected."""
        status = variables.pop("status", 0)
        process = self.start(playbook, *arguments, **variables)
        said = process.communicate()[0]
        assert process.returncode == status, said
        return said

    def deploy(self, name: str, *arguments: str, **variables: object) -> str:
        """Deploy a release of this name."""
        given = {"ansistrano_release_version": name, **variables}
        return self.run("deploy.yml", *arguments, **given)

    def site(self, host: str) -> Path:
        """Give the directory of the application on a host."""
        return self.root / host

    def served(self) -> list[str]:
        """Read what visitors of each host get."""
        return [(self.site(host) / "current" / "index.html").read_text() for host in HOSTS]

    def current(self) -> list[str]:
        """Give the release that each host serves."""
        return [self.current_of(host) for host in HOSTS]

    def current_of(self, host: str) -> str:
        """Give the release that one host serves."""
        return (self.site(host) / "current").readlink().name

    def releases(self, host: str) -> list[str]:
        """List the releases of a host."""
        return sorted(path.name for path in (self.site(host) / "releases").iterdir())

    def log(self, host: str) -> list[dict[str, object]]:
        """Read the log of a host."""
        text = (self.site(host) / ".herder" / "deployments.log").read_text()
        return [json.loads(line) for line in text.splitlines()]

    def hook(self, name: str, tasks: str) -> str:
        """Write a file of tasks and give its path."""
        path = self.root / f"{name}.yml"
        path.write_text(tasks)
        return str(path)


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    """Give a fleet on which nothing was ever deployed."""
    return Fleet(tmp_path)


def test_one_name_and_one_commit_in_every_batch(fleet: Fleet) -> None:
    """A push lands between batches; Ansistrano then serves two codes under one name (A1, G)."""
    push = fleet.hook(
        "push",
        "- shell: echo {{ inventory_hostname }} > index.html;"
        " git -c user.name=t -c user.email=t@example.org commit -qam push\n"
        f"  args: {{chdir: {fleet.root}/origin}}\n",
    )

    fleet.run("deploy.yml", batch=1, deploy_after_symlink_tasks_file=push)

    assert fleet.served() == ["one"] * 3
    assert len(set(fleet.current())) == 1
    assert re.fullmatch(r"\d{14}Z", fleet.current()[0])


def test_host_that_is_to_get_another_branch_gets_it(fleet: Fleet) -> None:
    """A canary; the commit that was asked for once is not that of its branch."""
    fleet.git("branch", "next")
    fleet.push("two")
    branch = "{{ 'next' if inventory_hostname == 'web2' else 'main' }}"

    fleet.deploy("r1", ansistrano_git_branch=branch)

    assert fleet.served() == ["two", "one", "two"]


def test_hooks_run_in_ansistranos_order_with_its_variables(fleet: Fleet) -> None:
    """People's hooks name ansistrano_release_path and rely on what is done when they run."""
    written = fleet.root / "order"
    hooks = {}
    for hook in HOOKS:
        path = '"-"' if HOOKS.index(hook) < 3 else "ansistrano_release_path"
        hooks[f"ansistrano_{hook}_tasks_file"] = fleet.hook(
            hook,
            f"- shell: 'echo {hook} {{{{ {path} }}}} $(ls {fleet.root}/web1/current 2>/dev/null)"
            f" >> {written}'\n  when: inventory_hostname == 'web1'\n",
        )

    fleet.deploy("r1", "-l", "web1", **hooks)

    lines = written.read_text().splitlines()
    assert [line.split()[0] for line in lines] == HOOKS
    assert all(line.split()[1] == f"{fleet.root}/web1/releases/r1" for line in lines[3:])
    assert ["index.html" in line for line in lines] == [False] * 7 + [True] * 3


def test_few_tasks_do_the_work(fleet: Fleet) -> None:
    """Ansistrano has 52 task results on each host for one file (row P)."""
    said = fleet.deploy("r1")

    assert said.count("\nTASK [") <= 11
    assert fleet.served() == ["one"] * 3
    assert fleet.log("web1")[0]["result"] == "ok"


def test_parts_of_the_work_may_be_run_one_by_one(fleet: Fleet) -> None:
    """A conductor of many hosts stages everywhere first, then switches, and may take back."""
    fleet.deploy("r1", "-l", "web1")
    fleet.push("two")
    for phase, expected in (("stage", "r1"), ("switch", "r2"), ("take_back", "r1")):
        fleet.deploy("r2", "-l", "web1", deploy_phase=phase)
        assert fleet.current_of("web1") == expected
        assert not (fleet.site("web1") / ".herder" / "lease.json").exists()


def test_failure_before_the_switch_leaves_the_host_as_it_was(fleet: Fleet) -> None:
    """And nothing of the failed release, which could later be taken for one (A2, C, D)."""
    fleet.deploy("r1")
    fleet.push("two")
    command = "- shell: echo trace >&2; echo no such table >&2; exit 3\n"
    fail = fleet.hook("fail", f"{command}  when: inventory_hostname == 'web2'\n")

    said = fleet.deploy("r2", status=2, deploy_before_symlink_tasks_file=fail)

    assert fleet.served() == ["two", "one", "two"]
    assert fleet.releases("web2") == ["r1"]
    assert fleet.log("web2")[-1]["result"] == "failed"
    assert "Deployment failed in task" in said
    assert "non-zero return code no such table" in said, said


def test_failure_after_the_switch_takes_the_host_back(fleet: Fleet) -> None:
    """Unless today's behaviour is asked for."""
    fleet.deploy("r1")
    fleet.push("two")
    fail = fleet.hook("fail", "- fail: {msg: no}\n  when: inventory_hostname == 'web2'\n")
    note = fleet.hook("note", f"- file: {{path: {fleet.root}/reloaded, state: touch}}\n")
    hooks = {"deploy_after_symlink_tasks_file": fail, "deploy_after_take_back_tasks_file": note}

    said = fleet.deploy("r2", status=2, **hooks)
    assert fleet.served() == ["two", "one", "two"]
    assert "the host serves r1 again" in said
    assert (fleet.root / "reloaded").exists()

    fleet.deploy("r3", status=2, deploy_on_failure="stop", **hooks)
    assert fleet.current() == ["r3"] * 3


def test_health_gate_wants_this_release(fleet: Fleet) -> None:
    """Nobody answers at the address, so the host goes back."""
    fleet.deploy("r1")

    said = fleet.deploy(
        "r2", status=2, deploy_health_url="http://127.0.0.1:1/", deploy_health_seconds=0.5
    )

    assert fleet.current() == ["r1"] * 3
    assert "no answer" in said


def test_guard_is_told_when_all_is_well_and_goes_back_when_nobody_tells(fleet: Fleet) -> None:
    """The machine that deploys may be lost between the switch and the gate."""
    fleet.deploy("r1", "-l", "web1", deploy_guard_seconds=120)
    journal = json.loads((fleet.site("web1") / ".herder" / "switch.json").read_text())
    assert journal["state"] == "confirmed"

    hang = fleet.hook("hang", "- pause: {seconds: 100}\n")
    process = fleet.start(
        "deploy.yml", "-l", "web1", deploy_guard_seconds=2, deploy_after_symlink_tasks_file=hang
    )
    while fleet.current_of("web1") == "r1":
        time.sleep(0.05)
        assert process.poll() is None
    os.killpg(process.pid, 9)
    process.communicate()
    deadline = time.monotonic() + 30
    while fleet.current_of("web1") != "r1" and time.monotonic() < deadline:
        time.sleep(0.1)

    assert fleet.current_of("web1") == "r1"


def test_rollbacks(fleet: Fleet) -> None:
    """Refused as a whole, or really going back, and never to a half-built one (A3, B2-B4, D)."""
    for name in ("r1", "r2"):
        fleet.push(name)
        fleet.deploy(name)
    half = fleet.hook("half", "- fail: {msg: no}\n")
    fleet.deploy("r3", "-l", "web1", status=2, deploy_before_symlink_tasks_file=half)
    (fleet.site("web1") / "releases" / "r3").mkdir()
    fleet.push("r4")
    fleet.deploy("r4", "-l", "web1,web2")

    said = fleet.run("rollback.yml", status=2, ansistrano_rollback_to_release="r4")
    assert "release r4 is not finished on: web3" in said
    assert fleet.current() == ["r4", "r4", "r2"]

    fleet.run("rollback.yml", ansistrano_remove_rolled_back="false")
    assert fleet.current() == ["r1"] * 3
    assert "r4" in fleet.releases("web1")

    said = fleet.run("rollback.yml", status=2)
    assert "no intact release that all hosts have" in said

    fleet.run("rollback.yml", "-l", "web1,web2", ansistrano_rollback_to_release="r4")
    assert fleet.served() == ["r4", "r4", "r1"]
    fleet.run("rollback.yml", "-l", "web1,web2")
    assert fleet.served() == ["r2", "r2", "r1"]
    assert "r4" not in fleet.releases("web1")


def test_check_mode_works_on_fresh_and_on_live_hosts(fleet: Fleet) -> None:
    """Ansistrano's fails at the symlink task (K)."""
    said = fleet.deploy("r1", "--check", "--diff")
    assert "changed=" in said
    assert not (fleet.site("web1") / "current").exists()

    fleet.deploy("r1")
    said = fleet.deploy("r2", "--check", "--diff")
    assert fleet.current() == ["r1"] * 3
    assert "+./releases/r2" in said


def test_second_deployer_is_told_and_may_wait(fleet: Fleet) -> None:
    """Two at once would mix their releases."""
    hold = fleet.hook("hold", "- pause: {seconds: 12}\n")
    first = fleet.start(
        "deploy.yml", ansistrano_release_version="r1", deploy_before_symlink_tasks_file=hold
    )
    while not (fleet.site("web3") / "releases" / "r1").exists():
        time.sleep(0.1)
        assert first.poll() is None

    said = fleet.deploy("r2", status=2)
    assert "is deploying here since" in said
    fleet.deploy("r2", deploy_lease_wait_seconds=60)

    first.communicate()
    assert first.returncode == 0
    assert fleet.current() == ["r2"] * 3


@pytest.mark.parametrize("seconds", [3.0, 4.0, 5.0, 6.0])
def test_killed_controller_stops_nobody(fleet: Fleet, seconds: float) -> None:
    """A whole release serves, nothing dangles, and the next deployment succeeds."""
    fleet.deploy("r1")
    fleet.push("two")
    process = fleet.start("deploy.yml", ansistrano_release_version="r2", deploy_lease_seconds=1)
    time.sleep(seconds)
    os.killpg(process.pid, 9)
    process.communicate()

    assert set(fleet.served()) <= {"one", "two"}
    fleet.deploy("r3", ansistrano_keep_releases=2, deploy_lease_wait_seconds=30)

    assert fleet.served() == ["two"] * 3
    assert all(len(fleet.releases(host)) <= 3 for host in HOSTS)


def test_what_arrives_by_tree_and_by_archive(fleet: Fleet) -> None:
    """The controller's files, by the action plugin; Ansistrano's default way is a tree."""
    source = fleet.root / "source"
    (source / "dir").mkdir(parents=True)
    (source / "index.html").write_text("tree")
    (source / "skip.log").write_text("x")
    given = {"ansistrano_deploy_via": "rsync", "ansistrano_deploy_from": f"{source}/"}
    fleet.deploy("r1", ansistrano_rsync_extra_params=["--exclude=*.log"], **given)
    assert fleet.served() == ["tree"] * 3
    assert not (fleet.site("web1") / "current" / "skip.log").exists()

    subprocess.run(["tar", "czf", str(fleet.root / "site.tgz"), "-C", str(source), "."], check=True)
    given = {"ansistrano_deploy_via": "copy_unarchive", "deploy_from": str(fleet.root / "site.tgz")}
    fleet.deploy("r2", **given)
    assert fleet.current() == ["r2"] * 3
    assert fleet.served() == ["tree"] * 3


@pytest.fixture
def small_disk(fleet: Fleet) -> Iterator[Fleet]:
    """Make the disk of web2 four megabytes small."""
    if os.geteuid():
        pytest.skip("mounting a small disk needs root")
    place = fleet.site("web2")
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(place)], check=True)
    yield fleet
    subprocess.run(["umount", str(place)], check=True)


def test_full_disk_fails_clearly_and_gives_its_space_back(small_disk: Fleet) -> None:
    """No half release, the old one serves, and the next deployment succeeds."""
    fleet = small_disk
    fleet.deploy("r1")
    (fleet.root / "origin" / "big").write_bytes(os.urandom(6_000_000))
    fleet.push("two")

    said = fleet.deploy("r2", status=2)

    assert fleet.served() == ["two", "one", "two"]
    assert fleet.releases("web2") == ["r1"]
    assert "Deployment failed in task" in said
    (fleet.root / "origin" / "big").unlink()
    fleet.git("checkout", "--quiet", "--orphan", "small")
    fleet.push("three")
    fleet.deploy("r3", ansistrano_git_branch="small", deploy_git_depth=1)
    assert fleet.served() == ["three"] * 3
