"""Puts the rooms together for what is done to a deploy play: a release, a way back, a look."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from herder.head_start import HeadStart, connected
from herder.interrupts import ended_as_by_a_key
from herder.language import start
from herder.language.surroundings import Surroundings
from herder.model.fleet import Conductor, DeploymentStory, Fleet
from herder.model.readiness import Finding
from herder.model.releases import DeploymentPlan, DeployWishes, HostReleases
from herder.release.deploy import DeployConductor
from herder.release.look import LookConductor, break_lease, find_plan, find_releases
from herder.release.once import done_after
from herder.release.readiness import find_readiness
from herder.release.rollback import RollbackConductor, choose_target
from herder.release.scratch import VARIABLE, scratch_folder
from herder.run import play, taken_from
from herder.settings import from_environment

Seen = TypeVar("Seen")


@dataclass(frozen=True, slots=True)
class Deployed:
    """How a deployment or a rollback ended."""

    exit_code: int
    story: DeploymentStory


def deploy(words: Sequence[str], wishes: DeployWishes) -> Deployed:
    """Run a playbook as a deployment over the hosts of its deploy play.

    *Raises*: DeploymentRefused when it may not begin; nothing was switched then.
    """
    return _lead(words, DeployConductor(wishes), "herder deploy")


def roll_back(words: Sequence[str], wishes: DeployWishes) -> Deployed:
    """Run the switch of a playbook's deploy play with an earlier release.

    *Raises*: DeploymentRefused when one host lacks that release.
    """
    return _lead(words, RollbackConductor(wishes), "herder rollback")


def _lead(
    words: Sequence[str], conductor: DeployConductor | RollbackConductor, program: str
) -> Deployed:
    with (
        ended_as_by_a_key(),
        scratch_folder() as scratch,
        connected(from_environment(os.environ)) as (loop, sessions),
    ):
        conducted = functools.partial(_conducted, conductor, {VARIABLE: str(scratch)})
        early = HeadStart(loop, sessions)
        code = play(conducted, words, program, early, is_transaction=True)
    return Deployed(code, conductor.story)


def releases(words: Sequence[str]) -> tuple[int, dict[str, HostReleases] | None]:
    """Ask the hosts of a playbook's deploy play for their releases; exit code and answer."""
    return _look(words, find_releases, "herder releases")


def plan(words: Sequence[str]) -> tuple[int, DeploymentPlan | None]:
    """Find out what a deployment would do; exit code and plan."""
    return _look(words, find_plan, "herder deploy --plan")


def check(words: Sequence[str]) -> tuple[int, tuple[Finding, ...] | None]:
    """Find out what would bite the hosts of a deploy play as one of many; exit code, findings."""
    return _look(words, find_readiness, "herder check")


def rollback_target(
    words: Sequence[str], wanted: str
) -> tuple[int, tuple[dict[str, HostReleases], str, str] | None]:
    """Find out where a rollback would go; exit code, and the hosts with the release.

    What a rollback would not undo (migrations of newer code) is told in words, '' for nothing.
    *Raises*: DeploymentRefused when one host lacks it.
    """

    def see(fleet: Fleet) -> tuple[dict[str, HostReleases], str, str]:
        hosts = find_releases(fleet, with_once=True)
        target = choose_target(hosts, wanted)
        return hosts, target, done_after(hosts, target)

    return _look(words, see, "herder rollback --plan")


def unlock(
    words: Sequence[str], may_break: Callable[[dict[str, HostReleases]], bool]
) -> tuple[int, bool]:
    """End the lease on the hosts of a playbook's deploy play; exit code, and whether it ended."""
    code, is_broken = _look(words, lambda fleet: break_lease(fleet, may_break), "herder unlock")
    return code, bool(is_broken)


def _look(
    words: Sequence[str], see: Callable[[Fleet], Seen], program: str
) -> tuple[int, Seen | None]:
    """Read a playbook and show its fleet to `see`; nothing runs, is shown or kept.

    Gives the exit code, and what `see` gave or None when no deploy play has hosts.
    """
    seen: list[Seen] = []
    _, words = taken_from(words)
    settings = from_environment(os.environ)
    with connected(settings) as (loop, sessions):
        around = Surroundings(
            sessions=sessions, loop=loop, is_quiet=True, hosts_limit=settings.forks_max
        )
        conductor = LookConductor(lambda fleet: seen.append(see(fleet)))
        code = start.run_deployment(words, program, around, conductor)
    return code, seen[0] if seen else None


def _conducted(
    conductor: Conductor,
    given: Mapping[str, object],
    words: Sequence[str],
    program: str,
    around: Surroundings,
) -> int:
    around = dataclasses.replace(around, given=given)
    return start.run_deployment(words, program, around, conductor)
