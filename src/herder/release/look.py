"""Conductors that only look: who runs what, who holds the lease, what a deployment would do.

No task that changes a host runs for them; only tasks that give values to variables do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from herder.model.fleet import BatchReport, Course, Fleet, RoleKind, Verdict
from herder.model.releases import DeploymentPlan, HostReleases
from herder.release import preflight
from herder.release.answers import ask_same, look_at
from herder.release.lease import MODULE as LEASE_MODULE


class LookConductor:
    """Implements model.fleet.Conductor; calls `look` with the fleet and does nothing else."""

    def __init__(self, look: Callable[[Fleet], None]) -> None:
        self._look = look

    @property
    def course(self) -> Course:
        return Course.LOOK

    def prepare(self, fleet: Fleet) -> None:
        self._look(fleet)

    def staged(self, report: BatchReport) -> Verdict:
        return Verdict.STOP

    def begin_batch(self, hosts: tuple[str, ...]) -> None:
        """No batch begins."""

    def switched(self, report: BatchReport) -> Verdict:
        return Verdict.STOP

    def taken_back(self, report: BatchReport) -> None:
        """Nothing is taken back."""

    def hosts_to_take_back(self) -> Sequence[tuple[str, ...]]:
        return ()

    def finish(self) -> int:
        return 0


def all_hosts(fleet: Fleet) -> list[str]:
    """Give the fleet's hosts in inventory order."""
    return [host for batch in fleet.batches for host in batch]


def find_releases(fleet: Fleet) -> dict[str, HostReleases]:
    """Ask every host what it serves, what it has, and whether it was edited by hand."""
    return look_at(fleet, all_hosts(fleet), check="quick")


def break_lease(fleet: Fleet, may_break: Callable[[dict[str, HostReleases]], bool]) -> bool:
    """End the lease where it is held, when `may_break` agrees; say whether that was done."""
    seen = look_at(fleet, all_hosts(fleet))
    held = {host: each for host, each in seen.items() if each.is_held}
    if not held or not may_break(held):
        return False
    ask_same(fleet, list(held), LEASE_MODULE, {"action": "break"})
    return True


def find_plan(fleet: Fleet) -> DeploymentPlan:
    """Find out what a deployment would do, without doing it."""
    hosts = all_hosts(fleet)
    prefix = "ansistrano" if fleet.role is RoleKind.ANSISTRANO else "deploy"
    return DeploymentPlan(
        batches=tuple(fleet.batches),
        hosts=look_at(fleet, hosts, check="quick"),
        findings=preflight.find(fleet, hosts),
        hooks=_hooks(fleet, hosts[0], prefix),
        source=_source(fleet, hosts[0], prefix),
    )


HOOK_PLACES = ("setup", "update_code", "symlink_shared", "symlink", "cleanup")


def _hooks(fleet: Fleet, host: str, prefix: str) -> tuple[tuple[str, str], ...]:
    found = []
    for place in HOOK_PLACES:
        for side in ("before", "after"):
            path = fleet.variable(host, f"{prefix}_{side}_{place}_tasks_file")
            if path:
                found.append((f"{side} {place.replace('_', ' ')}", str(path)))
    return tuple(found)


def _source(fleet: Fleet, host: str, prefix: str) -> str:
    via = str(fleet.variable(host, f"{prefix}_deploy_via" if prefix != "deploy" else "deploy_via"))
    if via != "git":
        return via
    branch = fleet.variable(host, f"{prefix}_git_branch")
    return f"git {fleet.variable(host, f'{prefix}_git_repo')} {branch}"
