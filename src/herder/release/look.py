"""Conductors that only look: who runs what, who holds the lease, what a deployment would do.

No task that changes a host runs for them; only tasks that give values to variables do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from herder.model.fleet import BatchReport, Course, Fleet, OnceKeeper, RoleKind, Verdict
from herder.model.releases import (
    SHOWN_DIGITS,
    DeploymentPlan,
    HostReleases,
    PlannedChange,
    holder_text,
)
from herder.release import preflight
from herder.release.answers import (
    STAGE_MODULE,
    failure_of,
    git_access,
    layout,
    look_at,
    named_by_playbook,
    variable_prefix,
)
from herder.release.lease import MODULE as LEASE_MODULE


class LookConductor:
    """Implements model.fleet.Conductor; calls `look` with the fleet and does nothing else."""

    def __init__(self, look: Callable[[Fleet], None]) -> None:
        self._look = look

    @property
    def course(self) -> Course:
        return Course.LOOK

    @property
    def once(self) -> OnceKeeper | None:
        return None

    def prepare(self, fleet: Fleet) -> None:
        self._look(fleet)

    def takes_part(self, host: str) -> bool:
        return True

    def staged(self, report: BatchReport) -> Verdict:
        return Verdict.STOP

    def begin_batch(self, hosts: tuple[str, ...]) -> None:
        """No batch begins."""

    def switched(self, report: BatchReport) -> Verdict:
        return Verdict.STOP

    def interrupted(self, what: str = "interrupted") -> Verdict:
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


def find_releases(fleet: Fleet, *, with_once: bool = False) -> dict[str, HostReleases]:
    """Ask every host what it serves, what it has, and whether it was edited by hand."""
    return look_at(fleet, all_hosts(fleet), check="quick", with_once=with_once)


def break_lease(fleet: Fleet, may_break: Callable[[dict[str, HostReleases]], bool]) -> bool:
    """End the lease where it is held, when `may_break` agrees; say whether that was done."""
    seen = look_at(fleet, all_hosts(fleet))
    held = {host: each for host, each in seen.items() if each.is_held}
    if not held or not may_break(held):
        return False
    fleet.ask(
        LEASE_MODULE,
        {
            host: layout(fleet, host) | {"action": "break", "token": each.lease_token}
            for host, each in held.items()
        },
    )
    return True


def find_plan(fleet: Fleet) -> DeploymentPlan:
    """Find out what a deployment would do, without doing it."""
    hosts = all_hosts(fleet)
    seen = look_at(fleet, hosts, check="quick")
    prefix = variable_prefix(fleet)
    return DeploymentPlan(
        batches=tuple(fleet.batches),
        hosts=seen,
        findings=(*_held(seen), *preflight.find(fleet, hosts)),
        hooks=_hooks(fleet, hosts[0], prefix),
        source=_source(fleet, hosts[0], prefix),
        release=named_by_playbook(fleet, hosts[0]),
        changes=_changes(fleet, hosts) if fleet.role is RoleKind.HERDER else {},
    )


def _held(seen: Mapping[str, HostReleases]) -> list[tuple[str, str]]:
    return [(host, holder_text(each.holder)) for host, each in seen.items() if each.is_held]


def _changes(fleet: Fleet, hosts: Sequence[str]) -> dict[str, PlannedChange]:
    """Ask each host which commits and files would come over what it serves."""
    if str(fleet.variable(hosts[0], "deploy_via")) != "git":
        return {}
    arguments = {
        host: layout(fleet, host)
        | {
            "steps": ["preview"],
            "via": "git",
            "repo_dir": fleet.variable(host, "deploy_repo_dir", "repo"),
            "git": _git(fleet, host),
        }
        for host in hosts
    }
    answers = fleet.ask(STAGE_MODULE, arguments)
    return {host: _planned(answers.get(host, {})) for host in hosts}


def _git(fleet: Fleet, host: str) -> dict[str, object]:
    names = {
        "repo": "deploy_git_repo",
        "version": "deploy_git_branch",
        "commit": "deploy_git_commit",
        "tree": "deploy_git_repo_tree",
    }
    values = {word: fleet.variable(host, name) for word, name in names.items()}
    given = {word: value for word, value in values.items() if value is not None}
    return given | git_access(fleet, host)


def _planned(answer: Mapping[str, object]) -> PlannedChange:
    failure = failure_of(answer)
    if failure:
        return PlannedChange(failure=failure)
    files, log = answer.get("files"), answer.get("log")
    counts = files.get("counts") if isinstance(files, Mapping) else None
    return PlannedChange(
        commit=str(answer.get("commit") or ""),
        commits=tuple(_commit_line(each) for each in log) if isinstance(log, list) else (),
        files={str(kind): int(str(number)) for kind, number in counts.items()}
        if isinstance(counts, Mapping)
        else {},
    )


def _commit_line(commit: object) -> str:
    if not isinstance(commit, Mapping):
        return str(commit)
    words = (
        str(commit.get("commit") or "")[:SHOWN_DIGITS],
        commit.get("subject"),
        commit.get("author"),
    )
    return " ".join(str(word) for word in words if word)


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
