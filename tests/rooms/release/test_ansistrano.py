"""What is done around the tasks of the Ansistrano role, by the collection's real modules."""

from __future__ import annotations

from pathlib import Path

import pytest

from herder.errors import DeploymentRefused
from herder.model.fleet import RoleKind
from herder.release import ansistrano
from tests.support.module_fleet import ModuleFleet, run_module

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
