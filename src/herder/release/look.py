"""Conductors that only look: who runs what, who holds the lease, what a deployment would do.

No task that changes a host runs for them; only tasks that give values to variables do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from herder.model.fleet import BatchReport, Course, Fleet, Verdict
from herder.release import preflight
from herder.release.answers import HostReleases, ask_same, look_at
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


@dataclass(slots=True)
class FleetReleases:
    """What `herder releases` found; filled by `look`."""

    hosts: dict[str, HostReleases] = field(default_factory=dict)

    def look(self, fleet: Fleet) -> None:
        self.hosts = look_at(fleet, all_hosts(fleet), check="quick")


@dataclass(slots=True)
class FleetLock:
    """What `herder unlock` found; `may_break` is asked before a lease is broken."""

    may_break: Callable[[dict[str, HostReleases]], bool]
    broken: tuple[str, ...] = ()

    def look(self, fleet: Fleet) -> None:
        seen = look_at(fleet, all_hosts(fleet))
        held = {host: each for host, each in seen.items() if is_held(each)}
        if held and self.may_break(held):
            ask_same(fleet, list(held), LEASE_MODULE, {"action": "break"})
            self.broken = tuple(held)


def is_held(releases: HostReleases) -> bool:
    """Say whether somebody deploys on this host now."""
    holder = releases.holder
    return isinstance(holder, dict) and bool(holder.get("is_live"))


@dataclass(slots=True)
class DeploymentPlan:
    """What `herder deploy --plan` found; filled by `look`."""

    batches: tuple[tuple[str, ...], ...] = ()
    hosts: dict[str, HostReleases] = field(default_factory=dict)
    findings: tuple[tuple[str, str], ...] = ()
    hooks: tuple[tuple[str, str], ...] = ()
    source: str = ""

    def look(self, fleet: Fleet) -> None:
        hosts = all_hosts(fleet)
        self.batches = tuple(fleet.batches)
        self.hosts = look_at(fleet, hosts, check="quick")
        self.findings = preflight.find(fleet, hosts)
        prefix = "ansistrano" if fleet.role.value == "ansistrano" else "deploy"
        self.source = _source(fleet, hosts[0], prefix)
        self.hooks = _hooks(fleet, hosts[0], prefix)


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
