"""Puts the rooms together for one run; the only place that knows them all."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import functools
import getpass
import importlib
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from herder.display.choice import OutputKind, OutputWishes, choose_output
from herder.display.json_lines import JsonLines
from herder.events import EventSink
from herder.head_start import HeadStart, connected
from herder.interrupts import ended_as_by_a_key
from herder.language import command_line
from herder.language.blocking import LoopThread
from herder.language.command_line import Surroundings
from herder.model.fleet import Conductor, DeploymentStory, Fleet
from herder.model.readiness import Finding
from herder.model.releases import DeploymentPlan, DeployWishes, HostReleases
from herder.record.run_record import RecordClocks, RunHeading, RunRecord
from herder.release.deploy import DeployConductor
from herder.release.look import LookConductor, break_lease, find_plan, find_releases
from herder.release.readiness import find_readiness
from herder.release.rollback import RollbackConductor, choose_target
from herder.release.scratch import VARIABLE, scratch_folder
from herder.settings import Settings, from_environment

Seen = TypeVar("Seen")

Command = Callable[[Sequence[str], str, Surroundings], int]


def playbook(words: Sequence[str], *, program: str, start: HeadStart) -> int:
    """Run `ansible-playbook` with these words through Herder; its exit code."""
    return _run(command_line.run_playbook, words, program, start)


def module(words: Sequence[str], *, program: str, start: HeadStart) -> int:
    """Run the ad-hoc `ansible` with these words through Herder; its exit code."""
    return _run(command_line.run_module, ["--output", "plain", *words], program, start)


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
    lead = functools.partial(_conducted, conductor)
    with (
        ended_as_by_a_key(),
        scratch_folder() as scratch,
        connected(from_environment(os.environ)) as (loop, sessions),
    ):
        code = _run(
            functools.partial(lead, {VARIABLE: str(scratch)}),
            words,
            program,
            HeadStart(loop, sessions),
        )
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
) -> tuple[int, tuple[dict[str, HostReleases], str] | None]:
    """Find out where a rollback would go; exit code, and the hosts with the release.

    *Raises*: DeploymentRefused when one host lacks it.
    """

    def see(fleet: Fleet) -> tuple[dict[str, HostReleases], str]:
        hosts = find_releases(fleet)
        return hosts, choose_target(hosts, wanted)

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
    _, words = _taken_from(words)
    settings = from_environment(os.environ)
    with connected(settings) as (loop, sessions):
        around = Surroundings(
            sessions=sessions, loop=loop, is_quiet=True, hosts_limit=settings.forks_max
        )
        conductor = LookConductor(lambda fleet: seen.append(see(fleet)))
        code = command_line.run_deployment(words, program, around, conductor)
    return code, seen[0] if seen else None


def _conducted(
    conductor: Conductor,
    given: Mapping[str, object],
    words: Sequence[str],
    program: str,
    around: Surroundings,
) -> int:
    around = dataclasses.replace(around, given=given)
    return command_line.run_deployment(words, program, around, conductor)


def _run(command: Command, words: Sequence[str], program: str, start: HeadStart) -> int:
    settings = from_environment(os.environ)
    wishes, words = _taken_from(words)
    kind = choose_output(wishes, os.environ)
    with (
        _record(settings, program, words) as record,
        _display(kind, wishes.verbosity, start.loop) as display,
    ):
        surroundings = Surroundings(
            sessions=start.sessions,
            loop=start.loop,
            sinks=(*display.sinks, record, *start.sinks),
            is_quiet=kind is not OutputKind.PLAIN,
            during_prompt=start.lost_by(display.during_prompt),
            hosts_limit=settings.forks_max,
            trail=start.trail,
        )
        code = command(words, program, surroundings)
        record.finish(code)
        start.keep()
        return code


@contextlib.contextmanager
def _record(settings: Settings, program: str, words: Sequence[str]) -> Iterator[RunRecord]:
    """Give the record of this run; it never stands in the run's way."""
    heading = RunHeading(
        command=(*program.split(), *words),
        playbook=_playbook_path(words),
        user=getpass.getuser(),
        controller=platform.node(),
    )
    record = RunRecord(
        settings.state_directory,
        heading,
        RecordClocks(time.monotonic, time.time),
        warn=_warn,
    )
    try:
        yield record
    finally:
        record.close()


def _playbook_path(words: Sequence[str]) -> str:
    """Give the first word that is a playbook by its name, as a whole path."""
    named = (word for word in words if word.endswith((".yml", ".yaml")))
    path = next((word for word in named if Path(word).is_file()), "")
    return str(Path(path).resolve()) if path else ""


def _warn(text: str) -> None:
    sys.stderr.write(f"herder: {text}\n")


def _taken_from(words: Sequence[str]) -> tuple[OutputWishes, list[str]]:
    """Take our own words out of ansible-playbook's, and look at how loud it is asked to be."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--output", default="")
    ours, rest = parser.parse_known_args(list(words))
    parser.add_argument("-v", "--verbose", action="count", default=0)
    verbosity = parser.parse_known_args(rest)[0].verbose
    wishes = OutputWishes(
        asked=ours.output,
        is_terminal=sys.stdout.isatty(),
        verbosity=verbosity,
    )
    return wishes, rest


@dataclass(frozen=True, slots=True)
class _Display:
    sinks: tuple[EventSink, ...]
    during_prompt: Callable[[], contextlib.AbstractContextManager[None]]


@contextlib.contextmanager
def _display(kind: OutputKind, verbosity: int, loop: LoopThread) -> Iterator[_Display]:
    """Give what shows the run; plain output is ansible's own callback and needs nothing."""
    if kind is OutputKind.LIVE:
        yield from _live(verbosity, loop)
    elif kind is OutputKind.JSON:
        yield from _json()
    else:
        yield _Display((), contextlib.nullcontext)


def _live(verbosity: int, loop: LoopThread) -> Iterator[_Display]:
    # By name and late on purpose: rich takes a tenth of the time to start, and only this needs it.
    console = importlib.import_module("herder.display.console").make_console
    terminal = importlib.import_module("herder.display.live").LiveTerminal
    live = terminal(console(sys.stdout, os.environ), time.monotonic, verbosity=verbosity)
    animation = loop.start(live.animate())
    try:
        yield _Display((live,), live.suspend)
    finally:
        animation.cancel()
        live.close()


def _json() -> Iterator[_Display]:
    """What ansible-core would write on standard output goes to standard error."""
    lines = JsonLines(sys.stdout, time.monotonic)
    with contextlib.redirect_stdout(sys.stderr):
        try:
            yield _Display((lines,), contextlib.nullcontext)
        finally:
            lines.close()
