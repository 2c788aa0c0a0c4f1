"""What is done around the tasks of the Ansistrano role, by the collection's real modules."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from herder.errors import DeploymentRefused
from herder.model.fleet import Conductor, RoleKind
from herder.model.releases import DeployWishes
from herder.release import ansistrano
from herder.release.answers import look_at
from herder.release.deploy import DeployConductor
from herder.release.rollback import RollbackConductor
from tests.support.module_fleet import ModuleFleet, Play, run_module

COMMIT = "c" * 40
OTHER = "d" * 40


@pytest.fixture
def fleet(tmp_path: Path) -> ModuleFleet:
    """Give a host of the role's that serves r1 of COMMIT."""
    made = ModuleFleet(tmp_path, (("web1",),), ansistrano_deploy_via="git")
    made.role = RoleKind.ANSISTRANO
    made.fix({"deploy_git_commit": COMMIT})
    ansistrano.begin(made, ["web1"], "r1", 0)
    release = tmp_path / "web1" / "releases" / "r1"
    release.mkdir()
    (release / "REVISION").write_text(COMMIT)
    ansistrano.seal(made, ["web1"], "r1", 0)
    run_module("release_switch", {"deploy_to": str(tmp_path / "web1"), "release": "r1"})
    return made


class RolePlay(Play):
    """Changes the link as the role does, which keeps no note of it."""

    def __init__(self, fleet: ModuleFleet, conductor: Conductor) -> None:
        fleet.fixed.clear()
        fleet.own["web1"].clear()
        super().__init__(fleet, conductor)

    def _switch(self, host: str) -> str:
        link = Path(self.fleet.values(host).deploy_to) / "current"
        link.unlink(missing_ok=True)
        link.symlink_to(f"./releases/{self.fleet.variable(host, 'deploy_release_version')}")
        return ""


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"deploy_git_commit": OTHER}, id="another commit"),
        pytest.param({"ansistrano_deploy_via": "rsync"}, id="no commit"),
    ],
)
def test_role_does_not_build_over_a_release_of_the_same_name(
    fleet: ModuleFleet, given: dict[str, object]
) -> None:
    """Visitors are served from there while all hosts are still staging."""
    fleet.fix(given)

    with pytest.raises(DeploymentRefused, match="is there already") as refused:
        ansistrano.begin(fleet, ["web1"], "r1", 0)

    assert refused.value.findings == (("web1", "has a release r1 of commit cccccccccccc"),)


def test_role_builds_the_same_commit_once_more(fleet: ModuleFleet) -> None:
    """A job that is started again brings what is there already."""
    ansistrano.begin(fleet, ["web1"], "r1", 0)

    assert fleet.told == []


def test_hosts_know_who_deployed_with_the_role(fleet: ModuleFleet) -> None:
    """The table of releases tells it."""
    ansistrano.begin(fleet, ["web1"], "r2", 0, by="ann")

    record = look_at(fleet, ["web1"])["web1"].release("r2") or {}
    assert record["by"] == "ann"


def test_release_that_the_fleet_was_led_back_from_is_neither_kept_nor_gone_back_to(
    tmp_path: Path,
) -> None:
    """The role notes nowhere what served, and the newest release but one may be the bad one."""
    fleet = ModuleFleet(tmp_path, (("web1",),), ansistrano_keep_releases=1)
    fleet.role = RoleKind.ANSISTRANO
    wishes = DeployWishes(user="ann", controller="laptop", owner="ann")
    for release in ("good", "bad"):
        RolePlay(fleet, DeployConductor(replace(wishes, release=release))).run()
    RolePlay(fleet, RollbackConductor(wishes)).run()

    RolePlay(fleet, DeployConductor(replace(wishes, release="better"))).run()

    info = run_module("release_info", {"deploy_to": str(tmp_path / "web1")})
    assert (info["current"], info["rollback_targets"]) == ("better", ["good"])
