"""Each host's part in a deployment, as it is known so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from herder.model.fleet import BatchReport, Fleet, HostState, HostStory
from herder.model.releases import HostReleases
from herder.release.answers import ask_same, failure_of, look_at

LOST = "unreachable; whether it switched is not known"
LOST_WITH_GUARD = "unreachable; a switch that nobody confirms is undone by the host itself"
NOT_SWITCHED = "its play ended well, but the host did not switch"
NO_SPACE = "No space left on device"
LOG_MODULE = "herder.deploy.release_log"


@dataclass(slots=True)
class Ledger:
    """Stories by host, in inventory order, and sentences to be read at the end.

    `lost` is what is said of a host that does not answer any more.
    """

    stories: dict[str, HostStory] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    lost: str = LOST

    def open(self, hosts: Sequence[str]) -> None:
        """Begin with these hosts, nothing known of them."""
        self.stories = {host: HostStory(host) for host in hosts}

    def note_what_was(self, seen: Mapping[str, HostReleases]) -> None:
        """Note the release each host serves before anything is done."""
        for host, releases in seen.items():
            self.change(host, was=releases.serves, now=releases.serves)
            if releases.is_overdue:
                self.remarks.append(
                    f"{host}: an earlier deployment was cut off after its switch to "
                    f"{releases.current or 'a release'}, which nobody confirmed; it is settled now"
                )

    def note_switch(self, fleet: Fleet, report: BatchReport, wanted: Mapping[str, str]) -> None:
        """Ask the hosts of a batch what they serve now, and note who has what was wanted."""
        for host, releases in look_at(fleet, report.hosts).items():
            if releases.failure:
                self.change(host, state=HostState.LOST, reason=releases.failure)
                continue
            has_switched = releases.current == wanted[host]
            self.change(
                host,
                state=HostState.SWITCHED if has_switched else HostState.UNTOUCHED,
                became=wanted[host] if has_switched else self.stories[host].became,
                now=releases.serves,
                seconds=report.seconds,
            )

    def without_switch(self, hosts: Sequence[str]) -> dict[str, str]:
        """Say why, for each host that does not serve what was wanted though its play ended well.

        The play may have rescued or ignored what failed.
        """
        stories = [self.stories[host] for host in hosts]
        return {
            story.host: story.reason or NOT_SWITCHED
            for story in stories
            if story.state is not HostState.SWITCHED
        }

    def note_failures(self, report: BatchReport) -> None:
        """Note what went wrong on the hosts of a pass."""
        for host, reason in report.failed.items():
            state = self.stories[host].state
            is_switched = state is HostState.SWITCHED
            self.change(host, state=state if is_switched else HostState.FAILED, reason=reason)
        for host in report.unreachable:
            self.change(host, state=HostState.LOST, reason=self.lost)

    def name_full_disks(self, fleet: Fleet) -> None:
        """Say where there is no room; git and others only say that there is none."""
        for host, story in self.stories.items():
            place = fleet.values(host).deploy_to
            if NO_SPACE in story.reason and place not in story.reason:
                self.change(host, reason=f"{place}/: {story.reason}")

    def change(self, host: str, **fields: object) -> None:
        """Change fields of one host's story."""
        self.stories[host] = replace(self.stories[host], **fields)  # type: ignore[arg-type]  # fields of HostStory

    def forget_staged(self) -> None:
        """What was staged and not switched to is removed when a deployment stops."""
        for host in self.hosts_in(HostState.STAGED):
            self.change(host, state=HostState.UNTOUCHED)

    def hosts_in(self, state: HostState) -> list[str]:
        """Give the hosts that are in a state."""
        return [host for host, story in self.stories.items() if story.state is state]

    def write_logs(self, fleet: Fleet, hosts: Sequence[str], words: Mapping[str, object]) -> None:
        """Leave a line in the log of each of these hosts."""
        for host, answer in ask_same(fleet, hosts, LOG_MODULE, words).items():
            if failure := failure_of(answer):
                self.remarks.append(f"{host}: its log could not be written: {failure}")


def state_after(story: HostStory, release: str) -> HostState:
    """Say how a host that serves what it had before came to that.

    Where that is the release itself (a job that was started again), there was nothing to take back.
    """
    if story.was == release:
        return HostState.FAILED if story.reason else HostState.UNTOUCHED
    return HostState.TAKEN_BACK if story.became == release else story.state
