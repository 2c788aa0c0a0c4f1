"""The conductors and the collection's real modules keep their contract, on hosts of directories."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from herder.errors import DeploymentRefused
from herder.model.fleet import BatchReport, HostState, HostStory, OnceTask, RoleKind, Verdict
from herder.model.releases import DeployWishes
from herder.release import ansistrano
from herder.release.deploy import DeployConductor
from herder.release.rollback import RollbackConductor
from herder.release.way_back import aim_back
from tests.support.module_fleet import ModuleFleet, Play, run_module

BATCHES = (("web1",), ("web2", "web3"))
HOSTS = ("web1", "web2", "web3")


@pytest.fixture
def fleet(tmp_path: Path) -> ModuleFleet:
    """Give three hosts in two batches, on which r1 and r2 were deployed."""
    made = ModuleFleet(tmp_path, BATCHES)
    for release in ("r1", "r2"):
        assert deployment(made, release).run() == 0
    return made


def wishes(release: str = "", owner: str = "ann") -> DeployWishes:
    """Give what somebody asks for."""
    return DeployWishes(user=owner, controller="laptop", owner=owner, release=release)


def deployment(fleet: ModuleFleet, release: str) -> Play:
    """Give a deployment that can be run; all that an earlier one fixed is gone."""
    fleet.fixed.clear()
    for own in fleet.own.values():
        own.clear()
    return Play(fleet, DeployConductor(wishes(release)))


def log_of(fleet: ModuleFleet, host: str) -> list[dict[str, object]]:
    """Read a host's log."""
    text = (fleet.root / host / ".herder" / "deployments.log").read_text()
    return [json.loads(line) for line in text.splitlines()]


def test_every_host_serves_the_release_and_the_lease_is_given_back(fleet: ModuleFleet) -> None:
    """The good end."""
    assert deployment(fleet, "r3").run() == 0

    assert fleet.served() == dict.fromkeys(HOSTS, "r3")
    assert not (fleet.root / "web1" / ".herder" / "lease.json").exists()


def test_switched_hosts_go_back_when_a_later_batch_fails(fleet: ModuleFleet) -> None:
    """The fleet must not stay on two releases (row T2)."""
    play = deployment(fleet, "r3")
    play.broken = {"web3"}

    assert play.run() == 2

    assert fleet.served() == dict.fromkeys(HOSTS, "r2")
    states = {story.host: story.state for story in play.conductor.story.hosts}  # type: ignore[attr-defined]  # a DeployConductor
    assert set(states.values()) == {HostState.TAKEN_BACK}


def test_release_that_was_taken_back_is_gone_and_no_target(fleet: ModuleFleet) -> None:
    """A later rollback must not bring the bad one."""
    play = deployment(fleet, "r3")
    play.broken = {"web2"}
    play.run()

    for host in HOSTS:
        info = run_module("release_info", {"deploy_to": str(fleet.root / host)})
        assert info["rollback_targets"] == ["r1"]
        assert "r3" not in [path.name for path in (fleet.root / host / "releases").iterdir()]


def test_release_of_an_earlier_deployment_outlives_one_that_is_refused_its_name(
    fleet: ModuleFleet,
) -> None:
    """What visitors would be led back to must not go with a mistaken `--release`."""
    assert deployment(fleet, "r1").run() == 2

    assert rollback(fleet) == 0
    assert fleet.served() == dict.fromkeys(HOSTS, "r1")


@pytest.mark.parametrize("wish", ["take_back", "stop"])
def test_hosts_that_did_not_come_to_their_switch_are_not_said_to_be_staged(
    fleet: ModuleFleet, wish: str
) -> None:
    """When the deployment stops, what was staged there is gone."""
    fleet.variables = {"deploy_on_failure": wish}
    play = deployment(fleet, "r3")
    play.broken = {"web1"}
    play.run()

    states = {story.host: story.state for story in play.conductor.story.hosts}  # type: ignore[attr-defined]  # a DeployConductor

    assert states["web2"] is states["web3"] is HostState.UNTOUCHED
    assert not (fleet.root / "web2" / "releases" / "r3").exists()


def test_fleet_that_served_the_release_already_is_not_said_to_be_taken_back(
    fleet: ModuleFleet,
) -> None:
    """A job that is started again fails its gate: no link was changed, and none is to reload."""
    play = deployment(fleet, "r3")
    play.run()
    again = deployment(fleet, "r3")
    again.is_staged = True
    again.broken = {"web1"}

    assert again.run() == 2

    told = [(story.state, story.reason) for story in again.conductor.story.hosts]  # type: ignore[attr-defined]  # a DeployConductor
    assert told[0] == (HostState.FAILED, "health: status 500")
    assert told[1] == (HostState.UNTOUCHED, "")
    assert fleet.served() == dict.fromkeys(HOSTS, "r3")


def test_next_deployment_after_one_that_was_taken_back_succeeds(fleet: ModuleFleet) -> None:
    """Also under the same name."""
    play = deployment(fleet, "r3")
    play.broken = {"web2"}
    play.run()

    assert deployment(fleet, "r3").run() == 0
    assert fleet.served() == dict.fromkeys(HOSTS, "r3")


def test_what_a_killed_deployment_left_goes_before_the_ansistrano_role_builds(
    fleet: ModuleFleet,
) -> None:
    """The role counts directories, whole or not, and goes back to the last one."""
    for host in HOSTS:
        begun = {"deploy_to": str(fleet.root / host), "release": "dead", "via": "none"}
        assert run_module("release_stage", {**begun, "steps": ["begin"]})["changed"]
    (fleet.root / "web1" / "releases" / "dead").mkdir()

    ansistrano.begin(fleet, HOSTS, "r3", 0)

    left = {
        path.name for host in HOSTS for path in (fleet.root / host).glob(".herder/unfinished/*")
    }
    assert left == {"r3"}
    assert {path.name for path in (fleet.root / "web1" / "releases").iterdir()} == {"r1", "r2"}
    assert fleet.served() == dict.fromkeys(HOSTS, "r2")


def test_nothing_switches_when_one_host_holds_other_content(fleet: ModuleFleet) -> None:
    """One name must be one content; the file that differs is named."""
    play = deployment(fleet, "r3")
    play.content = {"web2": "other"}

    assert play.run() == 2

    assert fleet.served() == dict.fromkeys(HOSTS, "r2")
    reasons = {story.host: story.reason for story in play.conductor.story.hosts}  # type: ignore[attr-defined]  # a DeployConductor
    assert "index.html" in reasons["web2"]


def test_host_lost_while_switching_leaves_the_others_as_they_were(fleet: ModuleFleet) -> None:
    """The others go back; the lost one is told of."""
    play = deployment(fleet, "r3")
    play.dies_before_switch = {"web2"}

    assert play.run() == 4

    fleet.lost.clear()
    assert fleet.served() == dict.fromkeys(HOSTS, "r2")


def test_host_lost_after_its_switch_goes_back_by_itself(fleet: ModuleFleet) -> None:
    """Nobody can tell it to, so the rule agreed before the switch counts."""
    play = deployment(fleet, "r3")
    play.guard_seconds = 1.0
    play.dies_after_switch = {"web2"}

    assert play.run() == 4

    deadline = time.monotonic() + 10
    log = fleet.root / "web2" / ".herder" / "deployments.log"
    while not log.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert fleet.served() == dict.fromkeys(HOSTS, "r2")
    assert log_of(fleet, "web2")[-1]["event"] == "settled"


def test_host_on_its_way_back_stays_there_when_the_controller_is_lost(fleet: ModuleFleet) -> None:
    """Its guard would go forth to the release that was refused, and call the old one failed."""
    play = deployment(fleet, "r3")
    play.guard_seconds = 1.0
    conductor = play.conductor
    conductor.prepare(fleet)
    conductor.staged(play._pass(HOSTS, play._stage))
    conductor.begin_batch(HOSTS)
    play.broken = {"web3"}
    assert conductor.switched(play._pass(HOSTS, play._switch)) is Verdict.TAKE_BACK

    for batch in conductor.hosts_to_take_back():
        play._pass(batch, play._switch)
    time.sleep(2.0)

    assert fleet.served() == dict.fromkeys(HOSTS, "r2")
    told = run_module("release_info", {"deploy_to": str(fleet.root / "web1")})
    assert "r2" in str(told["usable"])


@pytest.mark.parametrize("end", ["failed", "interrupted"])
def test_migration_that_ran_while_staging_is_named_when_nothing_is_switched(
    fleet: ModuleFleet, end: str
) -> None:
    """Every host serves the old code, and the database is the new one's."""
    play = deployment(fleet, "r3")
    conductor = play.conductor
    conductor.prepare(fleet)
    assert conductor.once is not None
    conductor.once.ended(OnceTask("Migrate", "m1"), "web1", has_changed=True)

    if end == "failed":
        conductor.staged(BatchReport(HOSTS, failed={"web3": "no compiler"}))
    else:
        conductor.interrupted()
    conductor.finish()

    remarks = " ".join(conductor.story.remarks)  # type: ignore[attr-defined]  # a DeployConductor
    assert "what ran once stays done: 'Migrate' on web1" in remarks


@pytest.mark.parametrize("absent", ["web1", "web2"])
def test_host_that_was_away_catches_up_with_the_other_one_and_not_the_other_with_it(
    tmp_path: Path, absent: str
) -> None:
    """Of two hosts none is most: the newer release counts, whoever comes first in the inventory."""
    fleet = ModuleFleet(tmp_path, (("web1",), ("web2",)))
    deployment(fleet, "r1").run()
    fleet.batches = tuple(batch for batch in fleet.batches if batch != (absent,))
    deployment(fleet, "r2").run()

    fleet.batches = (("web1",), ("web2",))
    fleet.fixed.clear()
    conductor = DeployConductor(DeployWishes("ann", "laptop", "ann", is_catching_up=True))

    conductor.prepare(fleet)
    conductor.finish()

    assert conductor.release == "r2"


def test_second_deployer_is_refused_and_changes_nothing(fleet: ModuleFleet) -> None:
    """All hosts or none: a lease on one host is enough to refuse, and no other host is held."""
    run_module(
        "release_lease",
        {"deploy_to": str(fleet.root / "web2"), "action": "acquire", "owner": "bob", "user": "bob",
         "host": "ci"},
    )  # fmt: skip

    with pytest.raises(DeploymentRefused, match="bob on ci"):
        deployment(fleet, "r3").run()

    assert fleet.served() == dict.fromkeys(HOSTS, "r2")
    assert not (fleet.root / "web1" / ".herder" / "lease.json").exists()


def test_late_command_of_an_old_deployer_is_refused(fleet: ModuleFleet) -> None:
    """Somebody else deployed meanwhile; the old number must do nothing."""
    old = 1
    answer = run_module(
        "release_switch", {"deploy_to": str(fleet.root / "web1"), "release": "r1", "token": old}
    )

    assert answer["reference"] == "stale-token"
    assert fleet.served()["web1"] == "r2"


def test_host_that_is_not_ready_stops_all_before_anything_changes(tmp_path: Path) -> None:
    """Preflight on all hosts at once."""
    fleet = ModuleFleet(tmp_path, BATCHES, deploy_commands=["test $(basename $PWD) = nowhere"])

    with pytest.raises(DeploymentRefused, match="not every host is ready"):
        deployment(fleet, "r1").run()

    assert fleet.served() == dict.fromkeys(HOSTS, "")


def test_rollback_goes_one_further_back_each_time(tmp_path: Path) -> None:
    """Never forth again to what was left (row B2)."""
    fleet = ModuleFleet(tmp_path, BATCHES)
    for release in ("r1", "r2", "r3"):
        deployment(fleet, release).run()

    for expected in ("r2", "r1"):
        fleet.fixed.clear()
        rollback(fleet)
        assert fleet.served() == dict.fromkeys(HOSTS, expected)


def test_rollback_after_one_that_was_broken_off_goes_where_that_one_went(tmp_path: Path) -> None:
    """Not one further: some hosts are there already, the others are to follow."""
    fleet = ModuleFleet(tmp_path, BATCHES)
    for release in ("r0", "r1", "r2"):
        deployment(fleet, release).run()
    fleet.fixed.clear()
    conductor = RollbackConductor(wishes())
    conductor.prepare(fleet)
    play = Play(fleet, conductor)
    conductor.begin_batch(BATCHES[0])
    conductor.switched(play._pass(BATCHES[0], play._switch))
    conductor.finish()
    assert sorted(fleet.served().values()) == ["r1", "r2", "r2"]

    fleet.fixed.clear()
    rollback(fleet)

    assert fleet.served() == dict.fromkeys(HOSTS, "r1")


def rollback(fleet: ModuleFleet, to: str = "") -> int:
    """Roll the fleet back, batch after batch, as the run does."""
    conductor = RollbackConductor(wishes(to))
    play = Play(fleet, conductor)
    try:
        conductor.prepare(fleet)
        for batch in fleet.batches:
            conductor.begin_batch(batch)
            conductor.switched(play._pass(batch, play._switch))
    finally:
        code = conductor.finish()
    return code


def test_rollback_is_refused_as_a_whole_when_one_host_lacks_the_release(
    fleet: ModuleFleet,
) -> None:
    """A fleet on three releases is what the peers leave behind (row A3)."""
    (fleet.root / "web3" / "releases" / "r1" / "index.html").unlink()

    with pytest.raises(DeploymentRefused, match="not every host has"):
        rollback(fleet)

    assert fleet.served() == dict.fromkeys(HOSTS, "r2")


def test_host_goes_back_to_a_site_outside_of_the_releases(fleet: ModuleFleet) -> None:
    """Of the first deployment over an older site; the table names what serves again."""
    older = fleet.root / "older"
    older.mkdir()
    (older / "index.html").write_text("older")
    link = fleet.root / "web2" / "current"
    link.unlink()
    link.symlink_to("../older")
    play = deployment(fleet, "r3")
    play.broken = {"web3"}

    assert play.run() == 2

    assert fleet.served() == {"web1": "r2", "web2": "older", "web3": "r2"}
    stories = play.conductor.story.hosts  # type: ignore[attr-defined]  # a DeployConductor
    assert {story.state for story in stories} == {HostState.TAKEN_BACK}
    assert (stories[1].was, stories[1].now) == (str(older), str(older))


def test_hosts_of_the_ansistrano_role_that_are_to_get_two_branches_are_refused(
    fleet: ModuleFleet,
) -> None:
    """All would get the first host's, and nobody would be told."""
    fleet.role = RoleKind.ANSISTRANO
    fleet.variables = {"ansistrano_deploy_via": "git", "ansistrano_git_branch": "main"}
    fleet.set_on("web2", {"ansistrano_git_branch": "next"})

    with pytest.raises(DeploymentRefused, match="one branch") as refused:
        ansistrano.begin(fleet, HOSTS, "r3", 0)

    assert ("web2", "is to get 'next'") in refused.value.findings


def test_ansistrano_role_goes_back_to_a_site_outside_of_the_releases(fleet: ModuleFleet) -> None:
    """It links ./releases/NAME; such a site has no name there, but a way from there."""
    fleet.role = RoleKind.ANSISTRANO
    older = str(fleet.root / "older")

    aim_back(fleet, HostStory("web2", was=older), "r3")

    own = fleet.own["web2"]
    link = f"{fleet.root}/web2/./releases/{own['ansistrano_release_version']}"
    assert os.path.normpath(link) == own["ansistrano_release_path"] == older


def test_host_that_keeps_its_first_release_does_not_lose_it_later(tmp_path: Path) -> None:
    """It is said to stay there; its guard would leave it with nothing ten minutes later."""
    fleet = ModuleFleet(tmp_path, BATCHES)
    play = deployment(fleet, "r1")
    play.guard_seconds = 60.0
    play.broken = {"web3"}

    assert play.run() == 2

    assert fleet.served() == dict.fromkeys(HOSTS, "r1")
    for host in HOSTS:
        info = run_module("release_info", {"deploy_to": str(fleet.root / host)})
        assert not info["is_pending"], host


@pytest.mark.parametrize("command", [[], ["reload", "site"]])
def test_fleet_goes_back_though_its_play_cannot_lead_it(
    fleet: ModuleFleet, command: list[str]
) -> None:
    """The balancer went down in the middle: every drain fails, also on the way back."""
    fleet.variables = {"deploy_guard_command": command}
    play = deployment(fleet, "r3")
    play.broken = {"web3"}
    play.is_stuck = True

    assert play.run() == 2

    assert fleet.served() == dict.fromkeys(HOSTS, "r2")
    stories = play.conductor.story.hosts  # type: ignore[attr-defined]  # a DeployConductor
    assert {story.state for story in stories} == {HostState.TAKEN_BACK}
    assert all("without the play" in story.reason for story in stories)
    assert [host for host, _ in fleet.commands] == (["web2", "web3", "web1"] if command else [])
    assert (fleet.root / "web1" / "releases" / "r3").exists() is not bool(command)
    info = run_module("release_info", {"deploy_to": str(fleet.root / "web1")})
    assert info["usable"] == ["r2", "r1"]


@pytest.mark.parametrize(
    ("role", "text"),
    [(RoleKind.HERDER, "undone by the host itself"), (RoleKind.ANSISTRANO, "is not known")],
)
def test_lost_host_is_said_to_go_back_by_itself_only_where_it_has_a_guard(
    fleet: ModuleFleet, role: RoleKind, text: str
) -> None:
    """With the Ansistrano role it stays on the release, and somebody has to look after it."""
    fleet.role = role
    play = deployment(fleet, "r3")
    play.dies_after_switch = {"web2"}

    assert play.run() == 4

    stories = {story.host: story for story in play.conductor.story.hosts}  # type: ignore[attr-defined]  # a DeployConductor
    assert text in stories["web2"].reason
    assert fleet.served()["web1"] == "r2"


@pytest.mark.parametrize("role", RoleKind)
def test_old_releases_go_when_all_hosts_have_the_new_one(
    fleet: ModuleFleet, role: RoleKind
) -> None:
    """A role's own clean-up is done on each host at once, and there is no way back then."""
    fleet.role, fleet.variables = role, {"ansistrano_keep_releases": 1}
    failing = deployment(fleet, "r3")
    failing.broken = {"web3"}

    assert failing.run() == 2
    assert fleet.served() == dict.fromkeys(HOSTS, "r2")
    assert deployment(fleet, "r4").run() == 0

    for host in HOSTS:
        assert {path.name for path in (fleet.root / host / "releases").iterdir()} == {"r2", "r4"}


@pytest.mark.parametrize("name", ["deploy_release_version", "ansistrano_release_version"])
def test_name_that_the_playbook_gives_the_release_is_kept(fleet: ModuleFleet, name: str) -> None:
    """Jobs that ran ansible-playbook pass the tag as an extra variable; --release counts more."""
    fleet.variables = {name: "v7"}

    assert deployment(fleet, "").run() == 0
    assert deployment(fleet, "v8").run() == 0

    info = run_module("release_info", {"deploy_to": str(fleet.root / "web1")})
    assert (info["current"], info["previous"]) == ("v8", "v7")


def test_hosts_of_the_ansistrano_role_catch_up_with_the_commit_of_the_others(
    fleet: ModuleFleet,
) -> None:
    """Its branch has gone on since; what comes of it would be refused as another release."""
    commit = "c" * 40
    fleet.role = RoleKind.ANSISTRANO
    fleet.variables = {"ansistrano_deploy_via": "git", "ansistrano_git_branch": "main"}
    fleet.fix({"deploy_git_commit": commit})

    ansistrano.begin(fleet, HOSTS, "r3", 0)

    assert fleet.fixed["ansistrano_git_branch"] == commit
