"""Conducts a deployment: one release for all hosts, switched in batches, or taken back.

The order of things: fix name and commit, take the lease, look at every host, let all be staged,
compare what they staged, let batch after batch switch, and when one fails its gate give every
host back the release it had. Each step is a line in the transaction's table (transaction.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from herder.errors import DeploymentRefused
from herder.model.fleet import (
    UNDO_HOOK,
    BatchReport,
    Course,
    DeploymentStory,
    Fleet,
    HostState,
    OnceKeeper,
    RoleKind,
    Verdict,
)
from herder.model.releases import COMMIT_DIGITS, DeployWishes, HostReleases, two_codes
from herder.release import ansistrano, contents, preflight
from herder.release.answers import confirm_switches, look_at, named_by_playbook, usual_release
from herder.release.lease import FleetLease, claim_of
from herder.release.ledger import LOST, LOST_WITH_GUARD, Ledger, state_after
from herder.release.once import OnceBook, OnceDeployment
from herder.release.transaction import State, Step, Transaction
from herder.release.way_back import NOT_RELOADED, STAYS_OUT, aim_back, lead_back

GUARD_SECONDS = 600.0
# A host on its way back stays there when the controller is lost; its guard would go forth again.
NO_GUARD = {"deploy_guard_seconds": 0}
# What is said of each host on the way back, and so no longer of all.
AIMED = ("deploy_phase", "deploy_release_version", "ansistrano_release_version")
FAILED, UNREACHABLE = 2, 4
NOT_TAKEN_BACK = ("not taken back", "not taken back; unconfirmed, the host undoes it by itself")


class DeployConductor:
    """Implements model.fleet.Conductor; `story` tells the deployment once it is over."""

    def __init__(self, wishes: DeployWishes, clock: Callable[[], float] = time.monotonic) -> None:
        self._wishes = wishes
        self._clock = clock
        self._started = clock()
        self._transaction = Transaction()
        self._ledger = Ledger()
        self._once = OnceBook(self._remark)
        self._batches: list[tuple[str, ...]] = []
        self._left_to_go_back = 0
        self._fleet: Fleet | None = None
        self._lease: FleetLease | None = None
        self._commit = ""
        self._model = ""
        self.release = wishes.release or time.strftime("%Y%m%d%H%M%SZ", time.gmtime())

    @property
    def course(self) -> Course:
        return Course.CATCH_UP if self._wishes.is_catching_up else Course.DEPLOY

    @property
    def once(self) -> OnceKeeper | None:
        return self._once

    def takes_part(self, host: str) -> bool:
        return not self._wishes.is_catching_up or self._ledger.stories[host].was != self.release

    def prepare(self, fleet: Fleet) -> None:
        self._fleet = fleet
        hosts = [host for batch in fleet.batches for host in batch]
        self._ledger.open(hosts)
        self.release = self._wishes.release or named_by_playbook(fleet, hosts[0]) or self.release
        self._ledger.lost = LOST_WITH_GUARD if fleet.role is RoleKind.HERDER else LOST
        self._take_lease(fleet, hosts)
        findings = preflight.find(fleet, hosts)
        if findings:
            self._transaction.take(Step.GAVE_UP)
            raise DeploymentRefused("not every host is ready; nothing was changed", findings)
        seen = look_at(fleet, hosts, with_once=True)
        self._ledger.note_what_was(seen)
        if self._wishes.is_catching_up:
            self._take_usual_release(fleet, seen)
        self._transaction.take(Step.CHECKS_PASSED)
        who = self._wishes.user
        self._once.open(OnceDeployment(fleet, hosts, self.release, who, self._token()), seen)
        self._fix(fleet, hosts)

    def _take_usual_release(self, fleet: Fleet, seen: Mapping[str, HostReleases]) -> None:
        """Deploy what most hosts serve, from the commit they have, to those who lack it."""
        self.release = usual_release(seen)
        if text := two_codes(seen, self.release):
            self._remark(text)
        model = next(each for each in seen.values() if each.current == self.release)
        self._model = model.host
        commit = str((model.release(self.release) or {}).get("commit") or "")
        if len(commit) == COMMIT_DIGITS:
            fleet.fix({"deploy_git_commit": commit})

    def _take_lease(self, fleet: Fleet, hosts: Sequence[str]) -> None:
        claim = claim_of(self._wishes, self.release)
        lease = FleetLease(fleet, hosts, claim, progress="looking at every host")
        lease.acquire(self._wishes.wait_seconds)
        self._lease = lease
        self._transaction.take(Step.LEASE_TAKEN)

    def _fix(self, fleet: Fleet, hosts: Sequence[str]) -> None:
        guard = fleet.variable(hosts[0], "deploy_guard_seconds") or GUARD_SECONDS
        fleet.fix(
            {
                "deploy_release_version": self.release,
                "ansistrano_release_version": self.release,
                "deploy_lease_token": self._token(),
                "deploy_phase": "stage",
                "deploy_guard_seconds": guard,
                **({"deploy_message": self._wishes.message} if self._wishes.message else {}),
            }
        )
        taking = [host for host in hosts if self.takes_part(host)]
        if taking and fleet.role is RoleKind.ANSISTRANO:
            ansistrano.begin(fleet, taking, self.release, self._token(), by=self._wishes.user)
        self._say("staging on all hosts")

    def staged(self, report: BatchReport) -> Verdict:
        fleet = self._known_fleet()
        differences = self._seal(fleet, report) if report.is_whole else ()
        if not report.is_whole or differences:
            self._give_up_staging(fleet, report, differences)
            return Verdict.STOP
        for host in report.hosts:
            self._ledger.change(host, state=HostState.STAGED)
        self._transaction.take(Step.STAGED_ALIKE)
        fleet.fix({"deploy_phase": "switch"})
        return Verdict.GO_ON

    def _seal(self, fleet: Fleet, report: BatchReport) -> tuple[tuple[str, str], ...]:
        """Give what differs between the hosts' trees; empty when all hold the same."""
        if fleet.role is RoleKind.ANSISTRANO:
            try:
                ansistrano.seal(fleet, report.hosts, self.release, self._token())
            except DeploymentRefused as refused:
                return refused.findings
        models = (self._model,) if self._model else ()
        staged = contents.staged_on(fleet, (*models, *report.hosts), self.release)
        self._commit = next((tree.commit for tree in staged.values() if tree.commit), "")
        return contents.differences(fleet, staged, self.release)

    def _give_up_staging(
        self,
        fleet: Fleet,
        report: BatchReport,
        differences: tuple[tuple[str, str], ...],
    ) -> None:
        self._transaction.take(Step.GAVE_UP)
        self._ledger.note_failures(report)
        self._ledger.name_full_disks(fleet)
        for host, text in differences:
            self._ledger.change(host, state=HostState.FAILED, reason=text)
        self._remark("nothing was switched: every host serves what it served before")
        self._remark_what_stays(fleet)
        reachable = [host for host in report.hosts if host not in report.unreachable]
        contents.abandon(fleet, reachable, self.release, self._token())

    def begin_batch(self, hosts: tuple[str, ...]) -> None:
        self._transaction.take(Step.BATCH_BEGAN)
        self._batches.append(hosts)
        self._say(f"switching batch {len(self._batches)}: {', '.join(hosts)}")

    def switched(self, report: BatchReport) -> Verdict:
        fleet = self._known_fleet()
        self._ledger.note_switch(fleet, report, dict.fromkeys(report.hosts, self.release))
        if report.is_whole:
            failed = self._confirm(fleet, report.hosts) | self._ledger.without_switch(report.hosts)
            report = replace(report, failed=failed)
        if report.is_whole:
            if not self._hosts_to_come():
                self._transaction.take(Step.ALL_SWITCHED)
            return Verdict.GO_ON
        self._ledger.note_failures(report)
        return self._after_failed_gate(fleet)

    def _hosts_to_come(self) -> list[str]:
        begun = {host for batch in self._batches for host in batch}
        return [
            host for host in self._ledger.stories if host not in begun and self.takes_part(host)
        ]

    def _after_failed_gate(self, fleet: Fleet) -> Verdict:
        wish = fleet.values(next(iter(self._ledger.stories))).on_failure
        if wish == "stop":
            self._confirm(fleet, self._ledger.hosts_in(HostState.SWITCHED))
            self._transaction.take(Step.GAVE_UP)
            self._remark("deploy_on_failure is stop: hosts that switched were left so")
            return Verdict.STOP
        self._transaction.take(Step.GATE_FAILED)
        self._remark_what_stays(fleet)
        self._say("taking back")
        return Verdict.TAKE_BACK

    def interrupted(self, what: str = "interrupted") -> Verdict:
        """Before the first switch give the staged release up; from then on take back."""
        fleet, hosts = self._known_fleet(), tuple(self._ledger.stories)
        if self._transaction.is_over:
            self._remark(f"{what} when all was done")
        elif self._transaction.state is State.GOING_BACK:
            fleet.tell("going back already; asked once more, it stops on the way")
            return Verdict.TAKE_BACK
        elif self._transaction.state is State.SWITCHING:
            self._remark(f"{what} while hosts switched")
            batch = self._batches[-1]
            self._ledger.note_switch(fleet, BatchReport(batch), dict.fromkeys(batch, self.release))
            return self._after_failed_gate(fleet)
        else:
            self._transaction.take(Step.GAVE_UP)
            self._remark(f"{what} before any host switched: each serves what it served before")
            self._remark_what_stays(fleet)
            contents.abandon(fleet, hosts, self.release, self._token())
        return Verdict.STOP

    def _remark_what_stays(self, fleet: Fleet) -> None:
        """Name what ran once (a migration): no link undoes it."""
        if self._once.done_now:
            is_going_back = self._transaction.state is State.GOING_BACK
            self._remark(self._once.what_stays(self._undo_hook(fleet), is_going_back=is_going_back))

    def _undo_hook(self, fleet: Fleet) -> str:
        return str(fleet.variable(next(iter(self._ledger.stories)), UNDO_HOOK) or "")

    def _confirm(self, fleet: Fleet, hosts: Sequence[str]) -> dict[str, str]:
        return confirm_switches(fleet, hosts, self._token())

    def hosts_to_take_back(self) -> Sequence[tuple[str, ...]]:
        """Give the hosts that began and have a release to go back to, last batch first.

        Those that failed before their switch too: the play's tasks before it (a drain) were done.
        """
        fleet = self._known_fleet()
        fleet.fix(dict.fromkeys(AIMED))
        fleet.fix({"deploy_is_going_back": True, **NO_GUARD})
        self._keep_first_releases(fleet)
        going: list[tuple[str, ...]] = []
        for batch in reversed(self._batches):
            hosts = tuple(host for host in batch if self._may_go_back(host))
            for host in hosts:
                aim_back(fleet, self._ledger.stories[host], self.release)
            going += [hosts] if hosts else []
        self._left_to_go_back = len(going)
        self._say_when_last(fleet)
        return going

    def _say_when_last(self, fleet: Fleet) -> None:
        """What ran once may be undone when nobody serves the code that needs it any more."""
        if self._left_to_go_back == 1 and self._once.done_now:
            fleet.fix({"deploy_is_last_to_go_back": True})

    def _keep_first_releases(self, fleet: Fleet) -> None:
        """A host without a way back stays on the release; its guard must not end that later."""
        stories = self._ledger.stories.values()
        kept = [each.host for each in stories if not each.was and each.now == self.release]
        for host in kept:
            self._remark(f"{host}: had no release before, so it keeps {self.release}")
        for host, why in self._confirm(fleet, kept).items():
            self._remark(f"{host}: its switch could not be confirmed: {why}")

    def _may_go_back(self, host: str) -> bool:
        story = self._ledger.stories[host]
        is_known = story.now in (self.release, story.was)
        return bool(story.was) and is_known and story.state is not HostState.LOST

    def taken_back(self, report: BatchReport) -> None:
        fleet = self._known_fleet()
        self._left_to_go_back -= 1
        self._say_when_last(fleet)
        seen = look_at(fleet, report.hosts)
        stories = self._ledger.stories
        stuck = [
            stories[host]
            for host in seen
            if seen[host].current == self.release != stories[host].was
        ]
        led = lead_back(fleet, stuck, self._token())
        seen |= look_at(fleet, list(led))
        for host, releases in seen.items():
            story = stories[host]
            is_back = bool(releases.serves) and releases.serves == story.was
            reason = report.failed.get(host, "") or releases.failure or story.reason
            reason += led.get(host, STAYS_OUT if host in report.failed else "")
            after = state_after(replace(story, reason=reason), self.release)
            state = after if is_back else HostState.FAILED
            self._ledger.change(host, state=state, now=releases.serves or story.now, reason=reason)
        if self._once.done_now and not self._left_to_go_back and self._undo_hook(fleet):
            self._once.undone(is_whole=report.is_whole)

    def finish(self) -> int:
        try:
            self._end_transaction()
        finally:
            if self._lease is not None:
                self._lease.release()
        if self._transaction.state is State.DONE or self._is_nothing_to_do():
            return 0
        has_lost = any(story.state is HostState.LOST for story in self._ledger.stories.values())
        return UNREACHABLE if has_lost else FAILED

    def _end_transaction(self) -> None:
        if self._transaction.state is State.GOING_BACK:
            self._tell_who_stayed()
            self._transaction.take(Step.WENT_BACK)
        elif not self._transaction.is_over and self._transaction.state is not State.IDLE:
            self._transaction.take(Step.GAVE_UP)
        if self._fleet is not None and self._batches:
            self._close_books(self._fleet)
        if self._transaction.state is State.STOPPED:
            self._ledger.forget_staged()

    def _tell_who_stayed(self) -> None:
        """Look again at hosts that were to go back and are not known to have."""
        stories = self._ledger.stories
        stayed = [each for each in self._ledger.hosts_in(HostState.SWITCHED) if stories[each].was]
        for host, seen in look_at(self._known_fleet(), stayed).items():
            if seen.serves and seen.serves == stories[host].was:
                self._ledger.change(host, state=HostState.TAKEN_BACK, now=seen.serves)
                continue
            reason = seen.failure or NOT_TAKEN_BACK[seen.is_pending]
            now = seen.serves or stories[host].now
            self._ledger.change(host, state=HostState.FAILED, now=now, reason=reason)

    def _is_nothing_to_do(self) -> bool:
        stories = self._ledger.stories
        return self._wishes.is_catching_up and all(
            story.now == self.release for story in stories.values()
        )

    def _close_books(self, fleet: Fleet) -> None:
        """Write the logs; a release that failed its gate is never gone back to."""
        stories = self._ledger.stories
        if self._transaction.state is State.STOPPED:
            without = [
                host
                for host, story in stories.items()
                if story.now != self.release
                and story.state is not HostState.LOST
                and NOT_RELOADED not in story.reason
            ]
            contents.abandon(fleet, without, self.release, self._token())
        else:
            contents.clean_up(fleet, tuple(stories), self._token())
        self._write_logs(fleet)

    def _write_logs(self, fleet: Fleet) -> None:
        """Leave a line on hosts that were taken back; for others Herder's role wrote one."""
        stories = self._ledger.stories
        if fleet.role is RoleKind.ANSISTRANO:
            done = [host for host, story in stories.items() if story.now == self.release]
            self._ledger.write_logs(fleet, done, self._log_line("ok"))
        went_back = self._ledger.hosts_in(HostState.TAKEN_BACK)
        self._ledger.write_logs(fleet, went_back, self._log_line("taken back"))

    def _log_line(self, result: str) -> dict[str, object]:
        return {
            "event": "deployment",
            "release": self.release,
            "commit": self._commit,
            "who": self._wishes.user,
            "result": result,
            "seconds": self._clock() - self._started,
            "message": self._wishes.message,
        }

    @property
    def story(self) -> DeploymentStory:
        """Tell the deployment: each host's part, in inventory order."""
        return DeploymentStory(
            release=self.release,
            commit=self._commit,
            is_done=self._transaction.state is State.DONE or self._is_nothing_to_do(),
            hosts=tuple(self._ledger.stories.values()),
            remarks=tuple(self._ledger.remarks),
            seconds=self._clock() - self._started,
        )

    def _say(self, progress: str) -> None:
        if self._lease is not None:
            self._lease.progress = progress

    def _remark(self, text: str) -> None:
        self._ledger.remarks.append(text)

    def _token(self) -> int:
        return self._lease.token if self._lease else 0

    def _known_fleet(self) -> Fleet:
        assert self._fleet is not None, "prepare comes first"
        return self._fleet
