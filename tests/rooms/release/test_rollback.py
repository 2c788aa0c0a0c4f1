"""The conductor of a way back, over a fleet in memory."""

from __future__ import annotations

import pytest

from herder.errors import DeploymentRefused
from herder.model.fleet import BatchReport, Verdict
from herder.model.releases import DeployWishes
from herder.release.rollback import RollbackConductor
from tests.support.fake_fleet import FakeFleet

BATCHES = [("a",), ("b",)]


def fleet_with(*names: str) -> FakeFleet:
    fleet = FakeFleet(BATCHES)
    for host in fleet.hosts.values():
        host.staged = dict.fromkeys(names, "same")
        host.current = names[-1]
    return fleet


def wishes(release: str = "") -> DeployWishes:
    return DeployWishes(user="mia", controller="laptop", owner="mia/1", release=release)


def test_every_host_goes_to_the_release_before() -> None:
    """One command, one target for all."""
    fleet, conductor = fleet_with("r1", "r2"), RollbackConductor(wishes())
    conductor.prepare(fleet)

    for batch in BATCHES:
        conductor.begin_batch(batch)
        for host in batch:
            fleet.hosts[host].current = str(fleet.own[host]["deploy_release_version"])
        assert conductor.switched(BatchReport(batch)) is Verdict.GO_ON

    assert conductor.finish() == 0
    assert {host.current for host in fleet.hosts.values()} == {"r1"}
    assert [host.confirmed for host in fleet.hosts.values()] == [1, 1]
    assert fleet.fixed["deploy_guard_seconds"] == 0


def test_it_is_refused_as_a_whole_when_one_host_lacks_the_release() -> None:
    """Half a rollback is a third version of the site; it must not begin."""
    fleet, conductor = fleet_with("r1", "r2"), RollbackConductor(wishes("r1"))
    del fleet.hosts["b"].staged["r1"]

    with pytest.raises(DeploymentRefused) as refused:
        conductor.prepare(fleet)
    conductor.finish()

    assert dict(refused.value.findings)["b"] == "serves r2, could go back to nothing"
    assert [host.owner for host in fleet.hosts.values()] == ["", ""]


def test_a_release_that_failed_is_not_gone_back_to() -> None:
    """The newest directory may be the wreck of an interrupted deployment."""
    fleet, conductor = fleet_with("r0", "r1", "r2"), RollbackConductor(wishes())
    fleet.hosts["a"].failed = {"r1"}

    conductor.prepare(fleet)

    assert conductor.release == "r0"


@pytest.mark.parametrize("ahead", ["a", "b"])
def test_what_some_hosts_serve_is_where_the_others_go_back_to(ahead: str) -> None:
    """After a killed deployment, or a way back that was broken off, nobody goes back twice."""
    fleet, conductor = fleet_with("r1", "r2"), RollbackConductor(wishes())
    fleet.hosts[ahead].staged["r3"] = "same"
    fleet.hosts[ahead].current = "r3"

    conductor.prepare(fleet)

    assert conductor.release == "r2"


def test_a_failed_batch_stops_the_way_back() -> None:
    """If the old release does not come up either, the rest of the fleet stays as it is."""
    fleet, conductor = fleet_with("r1", "r2"), RollbackConductor(wishes())
    conductor.prepare(fleet)
    conductor.begin_batch(("a",))

    assert conductor.switched(BatchReport(("a",), failed={"a": "health: 500"})) is Verdict.STOP

    assert conductor.finish() == 2


def test_a_way_back_that_stopped_says_how_to_go_on() -> None:
    """Half of the fleet has the old release then, and whoever reads the table has to act."""
    fleet, conductor = fleet_with("r1", "r2"), RollbackConductor(wishes())
    conductor.prepare(fleet)
    conductor.begin_batch(("a",))
    fleet.hosts["a"].current = "r1"

    conductor.switched(BatchReport(("a",), failed={"a": "health: 500"}))

    (remark,) = conductor.story.remarks
    assert "`herder rollback` again takes all to r1" in remark
    again = RollbackConductor(wishes())
    again.prepare(fleet)
    assert again.release == "r1"


def test_host_that_did_not_switch_stops_the_way_back() -> None:
    """Its play may rescue what failed, or begin after the switch; the fleet must not follow."""
    fleet, conductor = fleet_with("r1", "r2"), RollbackConductor(wishes())
    conductor.prepare(fleet)
    conductor.begin_batch(("a",))

    assert conductor.switched(BatchReport(("a",))) is Verdict.STOP

    assert conductor.finish() == 2
    assert [story.reason for story in conductor.story.hosts] == [
        "its play ended well, but the host did not switch",
        "",
    ]


def test_host_that_is_lost_after_its_way_back_stops_it() -> None:
    """And it is told as lost, with the exit code of that."""
    fleet, conductor = fleet_with("r1", "r2"), RollbackConductor(wishes())
    conductor.prepare(fleet)
    conductor.begin_batch(("a",))
    fleet.hosts["a"].broken = "no route to host"

    assert conductor.switched(BatchReport(("a",))) is Verdict.STOP

    assert conductor.finish() == 4


def test_way_back_says_which_migrations_of_newer_code_stay_done() -> None:
    """The old release meets the new tables; a link undoes none of them."""
    fleet, conductor = fleet_with("r1", "r2"), RollbackConductor(wishes())
    entry = {"state": "done", "name": "Migrate", "release": "r2", "host": "a", "at": 5.0}
    fleet.hosts["b"].once = {"abc": entry}

    conductor.prepare(fleet)

    assert "stays done" in conductor.story.remarks[0]
    assert "'Migrate' (on a, release r2" in conductor.story.remarks[0]


def test_interrupted_way_back_says_where_each_host_is() -> None:
    """Each serves one of two whole releases; the same command again brings them together."""
    fleet, conductor = fleet_with("r1", "r2"), RollbackConductor(wishes())
    conductor.prepare(fleet)
    conductor.begin_batch(("a",))
    fleet.hosts["a"].current = "r1"

    assert conductor.interrupted() is Verdict.STOP

    assert conductor.finish() == 2
    assert {story.host: story.now for story in conductor.story.hosts} == {"a": "r1", "b": "r2"}
    assert fleet.hosts["a"].confirmed == 1
    assert "interrupted" in conductor.story.remarks[0]


def test_a_name_that_is_two_codes_is_gone_to_only_when_asked_for() -> None:
    """It was given twice, to a part of the hosts each time, with a push in between."""
    fleet, conductor = fleet_with("r0", "r1", "r2"), RollbackConductor(wishes())
    fleet.hosts["b"].commits = {"r1": "f" * 40}
    asked = RollbackConductor(wishes("r1"))

    conductor.prepare(fleet)
    conductor.finish()
    asked.prepare(fleet)

    assert conductor.release == "r0"
    assert "ffffffffffff on b" in asked.story.remarks[0]
