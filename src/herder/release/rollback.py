"""Conducts a way back: every host to one earlier release that all of them have whole.

It is refused as a whole when one host lacks the release. The hosts go in the play's batches,
through the play's own tasks around the switch (drain, reload, health).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from herder.errors import DeploymentRefused
from herder.model.fleet import (
    BatchReport,
    Course,
    DeploymentStory,
    Fleet,
    HostState,
    OnceKeeper,
    RoleKind,
    Verdict,
)
from herder.model.releases import DeployWishes, HostReleases, two_codes
from herder.release.answers import confirm_switches, look_at, note_what_serves
from herder.release.deploy import FAILED, NO_GUARD, UNREACHABLE
from herder.release.lease import FleetLease, claim_of
from herder.release.ledger import Ledger
from herder.release.once import done_after
from herder.release.way_back import aim_at


class RollbackConductor:
    """Implements model.fleet.Conductor; `wishes.release` is the target, '' for the previous."""

    def __init__(self, wishes: DeployWishes, clock: Callable[[], float] = time.monotonic) -> None:
        self._wishes = wishes
        self._clock = clock
        self._started = clock()
        self._ledger = Ledger()
        self._fleet: Fleet | None = None
        self._lease: FleetLease | None = None
        self.release = wishes.release

    @property
    def course(self) -> Course:
        return Course.GO_BACK

    @property
    def once(self) -> OnceKeeper | None:
        return None

    def prepare(self, fleet: Fleet) -> None:
        self._fleet = fleet
        hosts = [host for batch in fleet.batches for host in batch]
        self._ledger.open(hosts)
        lease = FleetLease(fleet, hosts, claim_of(self._wishes, self._wishes.release))
        lease.progress = "rolling back"
        lease.acquire(self._wishes.wait_seconds)
        self._lease = lease
        seen = look_at(fleet, hosts, check="quick", with_once=True)
        self.release = choose_target(seen, self._wishes.release)
        self._ledger.note_what_was(seen)
        if fleet.role is RoleKind.ANSISTRANO:
            note_what_serves(fleet, hosts, lease.token)
        told = (two_codes(seen, self.release), done_after(seen, self.release))
        self._ledger.remarks += [text for text in told if text]
        fleet.fix({"deploy_phase": "switch", "deploy_lease_token": lease.token, **NO_GUARD})
        for host in hosts:
            aim_at(fleet, host, self.release)

    def takes_part(self, host: str) -> bool:
        return True

    def staged(self, report: BatchReport) -> Verdict:
        return Verdict.GO_ON

    def begin_batch(self, hosts: tuple[str, ...]) -> None:
        if self._lease is not None:
            self._lease.progress = f"rolling back {', '.join(hosts)}"

    def switched(self, report: BatchReport) -> Verdict:
        assert self._fleet is not None, "prepare comes first"
        wanted = dict.fromkeys(report.hosts, self.release)
        self._ledger.note_switch(self._fleet, report, wanted)
        if report.is_whole:
            report = self._without_those_that_stayed(report)
        self._ledger.note_failures(report)
        token = self._lease.token if self._lease else 0
        back = [host for host in report.hosts if host not in report.unreachable]
        confirm_switches(self._fleet, back, token)
        if report.is_whole:
            return Verdict.GO_ON
        if len({story.now for story in self._ledger.stories.values()}) > 1:
            again = f"`herder rollback` again takes all to {self.release}, `--to NAME` elsewhere"
            self._ledger.remarks.append(f"hosts serve different releases: {again}")
        return Verdict.STOP

    def _without_those_that_stayed(self, report: BatchReport) -> BatchReport:
        """The play may have rescued or ignored what failed; the next batch must not follow then."""
        lost = frozenset(self._ledger.hosts_in(HostState.LOST)) & set(report.hosts)
        stayed = self._ledger.without_switch(report.hosts)
        failed = {host: why for host, why in stayed.items() if host not in lost}
        return replace(report, failed=failed, unreachable=lost)

    def hosts_to_take_back(self) -> Sequence[tuple[str, ...]]:
        return ()

    def interrupted(self, what: str = "interrupted") -> Verdict:
        """Hosts stay where they are: each serves one of two whole releases, and the table says."""
        assert self._fleet is not None, "prepare comes first"
        hosts = tuple(self._ledger.stories)
        self._ledger.note_switch(
            self._fleet, BatchReport(hosts), dict.fromkeys(hosts, self.release)
        )
        token = self._lease.token if self._lease else 0
        confirm_switches(self._fleet, self._ledger.hosts_in(HostState.SWITCHED), token)
        self._ledger.remarks.append(f"{what}: `herder rollback` again brings all to one release")
        return Verdict.STOP

    def taken_back(self, report: BatchReport) -> None:
        """A way back has no way back of its own."""

    def finish(self) -> int:
        if self._lease is not None:
            self._lease.release()
        if self._is_done():
            return 0
        return UNREACHABLE if self._ledger.hosts_in(HostState.LOST) else FAILED

    def _is_done(self) -> bool:
        stories = self._ledger.stories.values()
        return bool(stories) and all(
            story.now == self.release and not story.reason for story in stories
        )

    @property
    def story(self) -> DeploymentStory:
        """Tell the rollback: each host's part, in inventory order."""
        return DeploymentStory(
            release=self.release,
            commit="",
            is_done=self._is_done(),
            hosts=tuple(self._ledger.stories.values()),
            remarks=tuple(self._ledger.remarks),
            seconds=self._clock() - self._started,
        )


def choose_target(seen: Mapping[str, HostReleases], wanted: str) -> str:
    """Give the release to go back to: the one wanted, or the best that all hosts have.

    *Raises*: DeploymentRefused, with each host's reason.
    """
    broken = tuple((host, each.failure) for host, each in seen.items() if each.failure)
    if broken:
        raise DeploymentRefused("not every host could be asked; nothing was changed", broken)
    target = wanted or _best_common(seen)
    if not target or not all(_may_serve(each, target) for each in seen.values()):
        what = f"release {target}" if target else "a common intact release"
        raise DeploymentRefused(
            f"not every host has {what} to go back to; nothing was changed",
            tuple((host, _text(each)) for host, each in seen.items()),
        )
    return target


def _best_common(seen: Mapping[str, HostReleases]) -> str:
    """Give the newest release that some go back to, and that all others have to go to or serve.

    It must be one code: a name given twice, on a part of the hosts each time, may be two.
    Where a way back was broken off, some hosts serve its target already: it is the target again.
    """
    hosts = list(seen.values())
    for name in (hosts[0].current, *hosts[0].targets):
        is_way_back = any(name in each.targets for each in hosts)
        is_common = all(_goes_to_or_serves(each, name) for each in hosts)
        if is_way_back and is_common and not two_codes(seen, name):
            return name
    return ""


def _goes_to_or_serves(each: HostReleases, name: str) -> bool:
    return name in each.targets or (name == each.current and name in each.usable)


def _may_serve(each: HostReleases, name: str) -> bool:
    return name in each.targets or name in each.usable


def _text(each: HostReleases) -> str:
    targets = ", ".join(each.targets) or "nothing"
    return f"serves {each.current or 'no release'}, could go back to {targets}"
