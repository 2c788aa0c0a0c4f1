"""What hosts know of their releases, and what a deployment would do, as data."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

COMMIT_DIGITS = 40
SHOWN_DIGITS = 12


@dataclass(frozen=True, slots=True)
class DeployWishes:
    """What the person who deploys asked for, and who that is.

    `release` is '' for a name made of the time (deploy) or for the previous one (rollback).
    *Shapes*: `owner` names this deployment among all others. *Units*: `wait_seconds`.
    """

    user: str
    controller: str
    owner: str
    release: str = ""
    message: str = ""
    wait_seconds: float = 0.0
    is_catching_up: bool = False


@dataclass(frozen=True, slots=True)
class HostReleases:
    """A host's releases as it knows them; `releases` oldest first, each a record of the module.

    `outside` is where its link leads when that is no release (an older site). `is_pending` says
    that its last switch is not confirmed: the host goes back by itself.
    """

    host: str
    current: str = ""
    outside: str = ""
    targets: tuple[str, ...] = ()
    usable: tuple[str, ...] = ()
    releases: tuple[Mapping[str, object], ...] = ()
    holder: object = None
    is_dangling: bool = False
    is_pending: bool = False
    is_overdue: bool = False
    last_log: Mapping[str, object] | None = None
    once: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    failure: str = ""

    def release(self, name: str) -> Mapping[str, object] | None:
        """Give the record of one release, or None."""
        return next((each for each in self.releases if each.get("name") == name), None)

    def code(self, name: str) -> str:
        """Name what a release was made of: its commit, else the digest of its source."""
        record = self.release(name) or {}
        commit = str(record.get("commit") or "")
        is_whole = len(commit) >= COMMIT_DIGITS
        return commit if is_whole else str(record.get("source_digest") or commit)

    @property
    def serves(self) -> str:
        """Name what visitors get: the release, or the folder outside the releases; '' for none."""
        return self.current or self.outside

    @property
    def lease_token(self) -> int:
        """Give the number of the lease that is held, 0 for none."""
        token = self.holder.get("token") if isinstance(self.holder, Mapping) else None
        return int(str(token or 0))

    @property
    def is_held(self) -> bool:
        """Say whether somebody deploys on this host now."""
        return isinstance(self.holder, Mapping) and bool(self.holder.get("is_live"))


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """What a release would bring to one host: commits as lines, files by kind of change."""

    commit: str = ""
    commits: tuple[str, ...] = ()
    files: Mapping[str, int] = field(default_factory=dict)
    failure: str = ""


@dataclass(frozen=True, slots=True)
class DeploymentPlan:
    """What a deployment would do; `hooks` are pairs of place and tasks file, `findings` pairs of
    host and what stands in the way there; `release` is the name the playbook gives, if any."""

    batches: tuple[tuple[str, ...], ...] = ()
    hosts: Mapping[str, HostReleases] = field(default_factory=dict)
    findings: tuple[tuple[str, str], ...] = ()
    hooks: tuple[tuple[str, str], ...] = ()
    source: str = ""
    release: str = ""
    changes: Mapping[str, PlannedChange] = field(default_factory=dict)


def two_codes(seen: Mapping[str, HostReleases], name: str) -> str:
    """Say which host has which code where hosts hold different ones under one name; else ''."""
    hosts: dict[str, list[str]] = {}
    for host, each in seen.items():
        if code := each.code(name):
            hosts.setdefault(code, []).append(host)
    if len(hosts) < 2:
        return ""
    told = "; ".join(f"{code[:SHOWN_DIGITS]} on {', '.join(on)}" for code, on in hosts.items())
    return f"release {name} is not the same code on all hosts: {told}"


def holder_text(holder: object) -> str:
    """Say who holds a host, since when, for what and how far."""
    if not isinstance(holder, Mapping) or not holder.get("is_live", True):
        return "nobody deploys here"
    who = f"{holder.get('user') or holder.get('owner')} on {holder.get('host')}"
    what = f"release {holder.get('release')}" if holder.get("release") else "a release"
    since = time.strftime("%H:%M:%S", time.localtime(float(str(holder.get("since") or 0))))
    progress = f", {holder['progress']}" if holder.get("progress") else ""
    why = f", {holder['why']}" if holder.get("why") else ""
    return f"{who} deploys {what} since {since}{progress}{why}"
