"""The conductor of a deployment, over a fleet in memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import pytest

from herder.errors import DeploymentRefused
from herder.model.fleet import BatchReport, HostState, Verdict
from herder.model.releases import DeployWishes
from herder.release.deploy import DeployConductor
from tests.support.fake_fleet import Answer, FakeFleet

BATCHES = [("a", "b"), ("c", "d")]
ALL = ("a", "b", "c", "d")
WISHES = DeployWishes(user="mia", controller="laptop", owner="mia@laptop/1", release="r2")


def fleet_on(release: str, **variables: object) -> FakeFleet:
    fleet = FakeFleet(BATCHES, **variables)
    for host in fleet.hosts.values():
        host.current = release
        host.staged = {release: "old"} if release else {}
    return fleet


def stage(fleet: FakeFleet, conductor: DeployConductor) -> Verdict:
    conductor.prepare(fleet)
    for host in fleet.hosts.values():
        host.staged.setdefault("r2", "new")
    return conductor.staged(BatchReport(ALL))


def switch(
    fleet: FakeFleet, conductor: DeployConductor, hosts: tuple[str, ...], **failed: str
) -> Verdict:
    conductor.begin_batch(hosts)
    for host in hosts:
        fleet.hosts[host].current = "r2"
    return conductor.switched(BatchReport(hosts, failed=failed))


def go_back(fleet: FakeFleet, conductor: DeployConductor) -> list[tuple[str, ...]]:
    groups = list(conductor.hosts_to_take_back())
    for group in groups:
        for host in group:
            fleet.hosts[host].current = str(fleet.own[host]["deploy_release_version"])
        conductor.taken_back(BatchReport(group))
    return groups


def test_all_hosts_switch_batch_after_batch() -> None:
    """The plain good case: done, exit 0, every host told, the lease given back."""
    fleet, conductor = fleet_on("r1"), DeployConductor(WISHES)

    assert stage(fleet, conductor) is Verdict.GO_ON
    assert [switch(fleet, conductor, batch) for batch in BATCHES] == [Verdict.GO_ON] * 2

    assert conductor.finish() == 0
    assert {story.now for story in conductor.story.hosts} == {"r2"}
    assert conductor.story.is_done
    assert [host.owner for host in fleet.hosts.values()] == [""] * 4
    assert fleet.ended == fleet.repeated == 1


def test_hosts_are_told_that_their_switch_is_final_when_their_batch_is_well() -> None:
    """Without that word each goes back by itself ten minutes after the deployment."""
    fleet, conductor = fleet_on("r1"), DeployConductor(WISHES)
    stage(fleet, conductor)

    switch(fleet, conductor, ("a", "b"))

    assert [fleet.hosts[host].confirmed for host in ALL] == [1, 1, 0, 0]


def test_no_host_on_its_way_back_has_a_guard() -> None:
    """It would take the host forth again when the controller is lost in the midst of it."""
    fleet, conductor = fleet_on("r1"), DeployConductor(WISHES)
    stage(fleet, conductor)
    forth = fleet.fixed["deploy_guard_seconds"]
    switch(fleet, conductor, ("a", "b"), b="health: 500")

    conductor.hosts_to_take_back()

    assert (forth, fleet.fixed["deploy_guard_seconds"]) == (600, 0)


def test_a_host_that_did_not_switch_though_its_play_ended_well_takes_all_back() -> None:
    """A play that rescues what failed, to tell a chat of it, must not leave two releases."""
    fleet, conductor = fleet_on("r1"), DeployConductor(WISHES)
    stage(fleet, conductor)
    conductor.begin_batch(BATCHES[0])
    fleet.hosts["a"].current = "r2"

    assert conductor.switched(BatchReport(BATCHES[0])) is Verdict.TAKE_BACK

    go_back(fleet, conductor)
    assert conductor.finish() == 2
    assert {story.now for story in conductor.story.hosts} == {"r1"}
    assert "did not switch" in conductor.story.hosts[1].reason


def test_host_that_is_back_and_whose_play_failed_again_is_said_to_be_perhaps_drained() -> None:
    """Its site hung, so the play did not come to letting visitors in; the table called it back
    and nobody looked.
    """
    fleet, conductor = fleet_on("r1"), DeployConductor(WISHES)
    stage(fleet, conductor)
    switch(fleet, conductor, BATCHES[0], b="no answer within 5 s")
    for group in conductor.hosts_to_take_back():
        for host in group:
            fleet.hosts[host].current = "r1"
        failed = {"b": "no answer again"} if "b" in group else {}
        conductor.taken_back(BatchReport(group, failed=failed))

    conductor.finish()
    stories = {story.host: story for story in conductor.story.hosts}

    assert stories["b"].state is HostState.TAKEN_BACK
    assert stories["b"].reason == "no answer again; on the way back: it may get no visitors"
    assert stories["a"].reason == ""


def test_the_release_and_the_number_are_fixed_before_the_first_host() -> None:
    """One name and one fencing number in every batch, whatever the clock says meanwhile."""
    fleet, conductor = fleet_on("r1"), DeployConductor(WISHES)
    fleet.hosts["c"].token = 41

    conductor.prepare(fleet)

    assert fleet.fixed["deploy_release_version"] == "r2"
    assert fleet.fixed["ansistrano_release_version"] == "r2"
    assert fleet.fixed["deploy_lease_token"] == 42
    assert {host.token for host in fleet.hosts.values()} == {42}


def test_one_host_that_is_not_ready_stops_all_before_anything_changed() -> None:
    """A full disk on the third host must not be found out after two hosts switched."""
    fleet, conductor = fleet_on("r1"), DeployConductor(WISHES)
    fleet.hosts["c"].findings = ["12 bytes free, the release needs 4000000"]

    with pytest.raises(DeploymentRefused) as refused:
        conductor.prepare(fleet)
    conductor.finish()

    assert refused.value.findings == (("c", "12 bytes free, the release needs 4000000"),)
    assert [host.owner for host in fleet.hosts.values()] == [""] * 4


def test_a_held_host_gives_the_others_back() -> None:
    """All or none: a refused deployer must not leave a half-locked fleet behind."""
    fleet, conductor = fleet_on("r1"), DeployConductor(WISHES)
    fleet.hosts["d"].owner = "tom"

    with pytest.raises(DeploymentRefused, match="another deployment holds"):
        conductor.prepare(fleet)

    assert [host.owner for host in fleet.hosts.values()] == ["", "", "", "tom"]


def test_who_is_waited_for_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same line every two seconds hid what came before it."""
    moments = iter(range(100))
    monkeypatch.setattr("herder.release.lease.time.monotonic", lambda: float(next(moments)))
    monkeypatch.setattr("herder.release.lease.time.sleep", lambda _seconds: None)
    wishes = dataclasses.replace(WISHES, wait_seconds=5.0)
    fleet, conductor = fleet_on("r1"), DeployConductor(wishes)
    fleet.hosts["d"].owner = "tom"

    with pytest.raises(DeploymentRefused, match="another deployment holds"):
        conductor.prepare(fleet)

    (said,) = fleet.told
    assert said.startswith("waiting: tom on x")


def test_a_host_that_cannot_be_asked_is_not_taken_for_a_held_one() -> None:
    """Who is told of another deployment waits for it; this host's plug is out."""
    fleet, conductor = fleet_on("r1"), DeployConductor(WISHES)
    fleet.hosts["d"].broken = "no route to host"

    with pytest.raises(DeploymentRefused, match="not every host is ready") as refused:
        conductor.prepare(fleet)

    assert refused.value.findings == (("d", "no route to host"),)
    assert [host.owner for host in fleet.hosts.values()] == ["", "", "", ""]


class LostInBetween(FakeFleet):
    """Host d gives its part of the lease, and is gone when all are to have one number."""

    def _answer(
        self, answer: Callable[..., Answer], host: str, words: Mapping[str, object]
    ) -> Answer:
        if host == "d" and words.get("at_least"):
            return {"unreachable": True, "msg": "no route to host"}
        return super()._answer(answer, host, words)


def test_a_host_that_did_not_get_the_number_of_all_stops_all() -> None:
    """Its part could not be renewed: somebody else would get the host in the midst of it."""
    fleet, conductor = LostInBetween(BATCHES), DeployConductor(WISHES)
    fleet.hosts["a"].token = 7

    with pytest.raises(DeploymentRefused, match="not every host is ready") as refused:
        conductor.prepare(fleet)

    assert refused.value.findings == (("d", "unreachable: no route to host"),)
    assert [fleet.hosts[host].owner for host in "abc"] == [""] * 3


def test_trees_that_differ_are_never_switched_to() -> None:
    """The same release name with other content is what a push in the middle makes."""
    fleet, conductor = fleet_on("r1"), DeployConductor(WISHES)
    fleet.hosts["c"].staged["r2"] = "other"

    assert stage(fleet, conductor) is Verdict.STOP

    assert conductor.finish() == 2
    story = {story.host: story for story in conductor.story.hosts}
    assert story["c"].reason == "differs from a: index.html"
    assert all("r2" in host.failed for host in fleet.hosts.values())


def test_a_failed_gate_takes_back_every_switched_host_last_batch_first() -> None:
    """The heart of it: no host is left on a release that another one could not run."""
    fleet, conductor = fleet_on("r1"), DeployConductor(WISHES)
    stage(fleet, conductor)
    switch(fleet, conductor, ("a", "b"))

    assert switch(fleet, conductor, ("c", "d"), d="health: 500") is Verdict.TAKE_BACK
    groups = go_back(fleet, conductor)

    assert groups == [("c", "d"), ("a", "b")]
    assert conductor.finish() == 2
    assert {story.state for story in conductor.story.hosts} == {HostState.TAKEN_BACK}
    assert {story.now for story in conductor.story.hosts} == {"r1"}
    assert all("r2" in host.failed for host in fleet.hosts.values())
    assert {str(host.logs[-1]["result"]) for host in fleet.hosts.values()} == {"taken back"}


def test_hosts_that_did_not_come_to_their_switch_are_put_back_too() -> None:
    """They were drained for it; left out of the balancer they would serve nobody."""
    fleet, conductor = fleet_on("r1"), DeployConductor(WISHES)
    stage(fleet, conductor)
    conductor.begin_batch(("a", "b"))
    conductor.switched(BatchReport(("a", "b"), failed={"b": "Drain: no socket"}))

    assert go_back(fleet, conductor) == [("a", "b")]

    conductor.finish()
    states = {story.host: story.state for story in conductor.story.hosts}
    assert states["a"] is HostState.UNTOUCHED
    assert states["b"] is HostState.FAILED


def test_hosts_go_back_to_what_each_of_them_had() -> None:
    """A fleet that was mixed before is given back as it was, not made alike by force."""
    fleet, conductor = fleet_on("r1"), DeployConductor(WISHES)
    fleet.hosts["b"].current = "r0"
    stage(fleet, conductor)
    switch(fleet, conductor, ("a", "b"), a="boom")

    go_back(fleet, conductor)

    assert [fleet.hosts[host].current for host in ("a", "b")] == ["r1", "r0"]


def test_a_first_deployment_that_fails_says_what_it_could_not_take_back() -> None:
    """There is nothing to go back to, and silence would hide that the host serves it."""
    fleet, conductor = fleet_on(""), DeployConductor(WISHES)
    stage(fleet, conductor)
    switch(fleet, conductor, ("a", "b"), a="boom")

    assert go_back(fleet, conductor) == []
    conductor.finish()

    assert "a: had no release before, so it keeps r2" in conductor.story.remarks


def test_stop_leaves_switched_hosts_as_they_are() -> None:
    """Who asks for today's behaviour gets it, and is told so."""
    fleet = fleet_on("r1", deploy_on_failure="stop")
    conductor = DeployConductor(WISHES)
    stage(fleet, conductor)

    assert switch(fleet, conductor, ("a", "b"), a="boom") is Verdict.STOP

    assert conductor.finish() == 2
    assert fleet.hosts["b"].current == "r2"


def test_a_host_that_cannot_be_asked_is_told_as_lost_with_exit_code_4() -> None:
    """An unreachable host is neither switched nor taken back, and nobody may think so."""
    fleet, conductor = fleet_on("r1"), DeployConductor(WISHES)
    stage(fleet, conductor)
    conductor.begin_batch(("a", "b"))
    fleet.hosts["a"].current = "r2"
    fleet.hosts["b"].broken = "unreachable"
    conductor.switched(BatchReport(("a", "b"), unreachable=frozenset({"b"})))
    go_back(fleet, conductor)

    assert conductor.finish() == 4
    states = {story.host: story.state for story in conductor.story.hosts}
    assert states["a"] is HostState.TAKEN_BACK
    assert states["b"] is HostState.LOST


def test_a_run_that_breaks_off_gives_the_lease_back() -> None:
    """Ctrl-C between two batches must not lock the next deployer out."""
    fleet, conductor = fleet_on("r1"), DeployConductor(WISHES)
    stage(fleet, conductor)
    switch(fleet, conductor, ("a", "b"))

    assert conductor.finish() == 2
    assert [host.owner for host in fleet.hosts.values()] == [""] * 4
    assert not conductor.story.is_done


def catching_up() -> DeployConductor:
    return DeployConductor(
        DeployWishes(user="mia", controller="laptop", owner="mia/2", is_catching_up=True)
    )


def test_catching_up_brings_only_the_hosts_that_lack_what_most_serve() -> None:
    """A new server gets the release of the others before traffic; the others are not touched."""
    fleet, conductor = fleet_on("r2"), catching_up()
    fleet.hosts["d"].current = ""
    conductor.prepare(fleet)

    assert [host for host in ALL if conductor.takes_part(host)] == ["d"]
    fleet.hosts["d"].staged["r2"] = "old"
    assert conductor.staged(BatchReport(("d",))) is Verdict.GO_ON
    assert switch(fleet, conductor, ("d",)) is Verdict.GO_ON
    assert conductor.finish() == 0


def test_catching_up_refuses_a_tree_that_is_not_that_of_the_others() -> None:
    """The same name is not the same release: the digest of a host that serves it decides."""
    fleet, conductor = fleet_on("r2"), catching_up()
    fleet.hosts["d"].current = ""
    conductor.prepare(fleet)
    fleet.hosts["d"].staged["r2"] = "other"

    assert conductor.staged(BatchReport(("d",))) is Verdict.STOP
    assert conductor.finish() == 2


def test_catching_up_with_nothing_to_do_is_well() -> None:
    """It can stand in a timer: nothing to do is no failure."""
    fleet, conductor = fleet_on("r2"), catching_up()

    conductor.prepare(fleet)

    assert not any(conductor.takes_part(host) for host in ALL)
    assert conductor.finish() == 0


def test_interrupt_while_hosts_switch_leads_all_back() -> None:
    """Ctrl-C must not leave a fleet on two releases."""
    fleet, conductor = fleet_on("r1"), DeployConductor(WISHES)
    stage(fleet, conductor)
    switch(fleet, conductor, ("a", "b"))
    conductor.begin_batch(("c", "d"))
    fleet.hosts["c"].current = "r2"

    assert conductor.interrupted() is Verdict.TAKE_BACK
    assert go_back(fleet, conductor) == [("c", "d"), ("a", "b")]

    assert conductor.finish() == 2
    assert {story.now for story in conductor.story.hosts} == {"r1"}
    assert "interrupted while hosts switched" in conductor.story.remarks


def test_interrupt_on_the_way_back_changes_nothing_but_is_answered() -> None:
    """The hosts go where an interrupt would lead them."""
    fleet, conductor = fleet_on("r1"), DeployConductor(WISHES)
    stage(fleet, conductor)
    switch(fleet, conductor, ("a", "b"))
    switch(fleet, conductor, ("c", "d"), c="gate")
    told = len(fleet.told)

    assert conductor.interrupted() is Verdict.TAKE_BACK

    assert "going back already" in fleet.told[told]
    go_back(fleet, conductor)
    assert {story.now for story in conductor.story.hosts} == {"r1"}


def test_interrupt_before_the_first_switch_gives_the_release_up() -> None:
    """Half-built releases take room."""
    fleet, conductor = fleet_on("r1"), DeployConductor(WISHES)
    stage(fleet, conductor)

    assert conductor.interrupted() is Verdict.STOP

    assert conductor.finish() == 2
    assert all("r2" in host.failed for host in fleet.hosts.values())


def test_host_that_an_interrupt_kept_from_going_back_is_told_of() -> None:
    """The table must not say that it went back, nor that all is well."""
    fleet, conductor = fleet_on("r1"), DeployConductor(WISHES)
    stage(fleet, conductor)
    switch(fleet, conductor, ("a", "b"))
    conductor.begin_batch(("c", "d"))
    conductor.interrupted()
    conductor.hosts_to_take_back()

    assert conductor.finish() == 2

    stories = {story.host: story for story in conductor.story.hosts}
    assert (stories["a"].state, stories["a"].now) == (HostState.FAILED, "r2")
    assert "not taken back" in stories["a"].reason
    assert stories["c"].now == "r1"


def test_hosts_that_are_left_switched_keep_the_release() -> None:
    """Their guards would lead them back later, when nobody looks."""
    fleet, conductor = fleet_on("r1", deploy_on_failure="stop"), DeployConductor(WISHES)
    stage(fleet, conductor)

    assert switch(fleet, conductor, ("a", "b"), a="gate") is Verdict.STOP

    assert [fleet.hosts[host].confirmed for host in ("a", "b")] == [1, 1]
