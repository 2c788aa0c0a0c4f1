"""What of the playbook's variables is asked with."""

from __future__ import annotations

from pathlib import Path

import pytest

from herder.model.fleet import RoleKind
from herder.release.answers import failure_of, git_access
from tests.support.fake_fleet import FakeFleet

both_roles = pytest.mark.parametrize("role", RoleKind)
PREFIXES = {RoleKind.HERDER: "deploy_git_", RoleKind.ANSISTRANO: "ansistrano_git_"}


def fleet_with(role: RoleKind, **variables: object) -> FakeFleet:
    """Give a fleet of one host that has these variables of the role."""
    fleet = FakeFleet([("a",)])
    fleet.role = role
    fleet.variables = {PREFIXES[role] + name: value for name, value in variables.items()}
    return fleet


@both_roles
def test_repository_is_asked_with_the_key_of_the_controller(tmp_path: Path, role: RoleKind) -> None:
    """A plan, and the commit behind a branch, need what the role gives to git."""
    (tmp_path / "key").write_text("secret\n")
    fleet = fleet_with(role, identity_key_path=f"{tmp_path}/key", ssh_opts="-p 2222", executable="")

    assert git_access(fleet, "a") == {"key": "secret\n", "ssh_options": "-p 2222"}


@both_roles
def test_repository_is_asked_with_the_key_of_the_host(role: RoleKind) -> None:
    """It never leaves the host."""
    fleet = fleet_with(role, identity_key_remote_path="/root/key", identity_key_path="")

    assert git_access(fleet, "a") == {"key_path": "/root/key"}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({}, "no answer"),
        ({"changed": True, "msg": "done"}, ""),
        ({"failed": True, "msg": "\nno room\nat all"}, "no room"),
        ({"failed": True, "msg": " \n"}, "failed"),
        ({"failed": True}, "failed"),
        ({"unreachable": True, "msg": ""}, "unreachable: failed"),
    ],
)
def test_why_an_answer_is_a_failure_is_said_in_one_line(
    answer: dict[str, object], said: str
) -> None:
    """A module that fails without a word must not end the deployment of all others."""
    assert failure_of(answer) == said
