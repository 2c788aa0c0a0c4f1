"""See it work: a lab, a site on two servers, and rolling releases while visitors ask it."""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import subprocess
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from herder.cli import demo_cloud
from herder.errors import LabError, UsageError
from herder.interrupts import ended_as_by_a_key
from herder.lab import lab
from herder.lab.mootube import (
    VAULT_PASSWORD_FILE,
    Cast,
    Example,
    Staging,
    choose_cast,
    find_example,
    prepare,
)
from herder.lab.place import LabPlace, lab_place
from herder.lab.playing import Outcome, Play, last_words, play
from herder.lab.state import Kind, LabState
from herder.lab.visitors import Door, HostChange, PageRefused, Visit, Visitor, host_changes

_NAME = "demo"
_VISITORS = 4
_PAUSE_SECONDS = 0.1
_AROUND_SECONDS = 1.5
_LATE_SECONDS = 15.0
_WIDTH = 76
_TAKEN_BACK = 2
_STORY = re.compile(r"Release \S+, .*done in ")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(message, hint=f"{self.prog} --help")


def main(words: Sequence[str]) -> int:
    """Run the demo; 0 when releases came, and went, and no visitor was refused a page."""
    try:
        chosen = _parser().parse_args(list(words))
    except SystemExit as ended:  # --help has printed and wants to leave
        return int(ended.code or 0)
    with ended_as_by_a_key():
        if chosen.cloud:
            return demo_cloud.tell(lab_place(demo_cloud.NAME, chosen.directory), keep=chosen.keep)
        return _play(chosen)


def _play(chosen: argparse.Namespace) -> int:
    example = find_example()
    cast = choose_cast(Kind(chosen.kind) if chosen.kind else None)
    place = lab_place(_NAME, chosen.directory)
    state = _bring_up(place, cast)
    try:
        staging = prepare(place, cast)
        result = _tell(_Demo(example, staging, state))
    finally:
        if not chosen.keep:
            _take_down(place)
    if chosen.keep:
        _say_what_is_kept(_Demo(example, staging, state), chosen.directory)
    return result


def _parser() -> _Parser:
    parser = _Parser(
        prog="herder demo",
        description="Brings a lab up, puts MooTube on two web servers, then a second release, "
        "one server after the other, and a third that has to go back, while visitors ask the site "
        "all the time.",
    )
    parser.add_argument("--keep", action="store_true", help="leave the lab up at the end")
    parser.add_argument(
        "--cloud", action="store_true", help="with web servers that come and go on an EC2 endpoint"
    )
    parser.add_argument("--kind", choices=[kind.value for kind in Kind], help="kind of lab")
    parser.add_argument("--directory", type=Path, help="the folder in which labs are kept")
    return parser


@dataclass(frozen=True, slots=True)
class _Demo:
    """What all chapters need."""

    example: Example
    staging: Staging
    state: LabState

    @property
    def doors(self) -> list[Door]:
        return self.staging.doors(self.state)

    def play(self, playbook: str) -> Play:
        password = self.example.ansible_folder / VAULT_PASSWORD_FILE
        return Play(
            self.example.ansible_folder / playbook,
            (*self.staging.inventory_words(), "--vault-password-file", str(password)),
            {"mootube_repository": str(self.staging.repository)},
        )

    def deploy(self, release: str) -> Play:
        plain = self.play("deploy.yml")
        names = ("--release", release, "--message", f"version {release[1:]} for the demo")
        return replace(plain, command="deploy", options=(*plain.options, *names))

    def commit(self, *options: str) -> str:
        """Make the site's next version; give its commit and message in one line."""
        maker, folder = self.example.repository_maker, self.staging.repository
        _run([sys.executable, str(maker), str(folder), *options])
        return _run(["git", "-C", str(folder), "log", "-1", "--format=%h, %s"]).strip()


def _bring_up(place: LabPlace, cast: Cast) -> LabState:
    _chapter("A lab")
    started = time.monotonic()
    state = lab.up_named(place, cast.names, kind=cast.kind)
    servers = f"{len(cast.names)} {cast.kind.value}: {', '.join(cast.names)}"
    _say(f"{servers}, up in {time.monotonic() - started:.1f} s.")
    _say(f"Kind of lab: {cast.kind.value} ({cast.reason}).")
    _say(f"Database: {cast.database}; visitors' sessions live in it.")
    return state


def _tell(demo: _Demo) -> int:
    """Play the chapters after the lab; give the exit code."""
    _chapter("Provisioning: herder playbook playbook.yml")
    _say_done("Provisioned", asyncio.run(_alone(demo.play("playbook.yml"))))
    _chapter("Version one: herder deploy deploy.yml")
    _say(f"Commit {demo.commit()}.")
    _say_done("Deployed", asyncio.run(_alone(demo.deploy("v1"))))
    codes = (_tell_change(demo), _tell_way_back(demo))
    return max(codes)


def _tell_change(demo: _Demo) -> int:
    """A release that comes, while visitors ask."""
    _chapter("Version two, one server after the other, with visitors")
    _say(f"Commit {demo.commit('--second')}.")
    _say(_where_visitors_ask(demo))
    visitors = [Visitor(demo.doors) for _ in range(_VISITORS)]
    outcome = asyncio.run(_visited(demo.deploy("v2"), visitors))
    _say_done("Deployed", outcome)
    _say_story(outcome)
    return _report(visitors, asyncio.run(_pages_in_sessions(visitors)))


def _tell_way_back(demo: _Demo) -> int:
    """A release that is broken on the second server, while visitors ask."""
    _chapter("Version three, which is broken on the second server only")
    _say(f"Commit {demo.commit('--third')}.")
    _say("It needs a setting that somebody once made on web1, and nowhere else.")
    visitors = [Visitor(demo.doors) for _ in range(_VISITORS)]
    outcome = asyncio.run(_visited(demo.deploy("v3"), visitors, exit_code=_TAKEN_BACK))
    _say(f"Taken back on both servers, {outcome.seconds:.1f} s in all.")
    _say_story(outcome)
    return _report_way_back(visitors)


async def _alone(what: Play) -> Outcome:
    """Run a playbook that nobody watches. *Raises*: LabError, when it fails."""
    return _checked(what, await play(what, on_task=_show_passing))


async def _visited(what: Play, visitors: Sequence[Visitor], *, exit_code: int = 0) -> Outcome:
    """Run a playbook while all visitors ask, from a while before to a while after it.

    *Raises*: LabError, when it does not end as expected.
    """
    async with asyncio.TaskGroup() as group:
        stays = [
            group.create_task(visitor.stay("/", pause_seconds=_PAUSE_SECONDS))
            for visitor in visitors
        ]
        await asyncio.sleep(_AROUND_SECONDS)
        outcome = await play(what, on_task=_show_passing)
        seen = [len(visitor.visits) for visitor in visitors]
        await asyncio.sleep(_AROUND_SECONDS)
        await _until_every_host_answered(visitors, seen)
        for stay in stays:
            stay.cancel()
    return _checked(what, outcome, exit_code)


async def _until_every_host_answered(visitors: Sequence[Visitor], seen: Sequence[int]) -> None:
    """Wait, bounded in time, until each host that visitors know has answered after so many visits.

    A balancer sends nobody to a server that was let in until it has looked at it.
    """
    hosts = {visit.host for visitor in visitors for visit in visitor.visits if visit.host}
    for _ in range(round(_LATE_SECONDS / _PAUSE_SECONDS)):
        late = zip(visitors, seen, strict=True)
        if hosts <= {visit.host for visitor, count in late for visit in visitor.visits[count:]}:
            return
        await asyncio.sleep(_PAUSE_SECONDS)


def _checked(what: Play, outcome: Outcome, exit_code: int = 0) -> Outcome:
    _show_passing("")
    if outcome.exit_code != exit_code:
        sys.stdout.write(last_words(outcome.lines) + "\n")
        raise LabError(f"{what.playbook.name} ended with exit code {outcome.exit_code}")
    return outcome


async def _pages_in_sessions(visitors: Sequence[Visitor]) -> list[int]:
    """Give how many pages the site counted in each visitor's session."""
    return [await _pages_in_session(visitor) for visitor in visitors]


async def _pages_in_session(visitor: Visitor) -> int:
    """Give the pages of one session; 0 when the site does not say."""
    try:
        answer = await visitor.ask("/session", visitor.doors[0])
        return int(json.loads(answer.body)["visits"])
    except (OSError, ValueError, KeyError, PageRefused):
        return 0


def _report(visitors: Sequence[Visitor], sessions: Sequence[int]) -> int:
    """Print the table and the sums; give the exit code."""
    visits = [visit for visitor in visitors for visit in visitor.visits]
    changes = host_changes(visits)
    _chapter("What the visitors saw")
    sys.stdout.write(change_table(changes))
    has_failed = _say_requests(visits)
    shared = are_sessions_whole(visitors, sessions)
    _say(
        "Sessions: each visitor kept one over both servers and releases."
        if shared
        else f"Sessions: lost; counted {list(sessions)} pages."
    )
    return 0 if not has_failed and shared and is_whole_change(changes) else 1


def _report_way_back(visitors: Sequence[Visitor]) -> int:
    """Print who saw what of the release that went back; give the exit code."""
    visits = [visit for visitor in visitors for visit in visitor.visits]
    _chapter("What the visitors saw")
    for (host, release), pages in sorted(Counter((v.host, v.release) for v in visits).items()):
        _say(f"{host:8}  {release:4} {pages:6} pages")
    last = last_releases(visits)
    is_back = set(last.values()) == {"v2"}
    if not is_back:
        _say(f"Seen last: {', '.join(f'{host} {release}' for host, release in last.items())}.")
    return 1 if _say_requests(visits) or not is_back else 0


def last_releases(visits: Iterable[Visit]) -> dict[str, str]:
    """Give which release each host answered with last, whoever asked."""
    in_order = sorted(visits, key=lambda visit: visit.ended)
    return {visit.host: visit.release for visit in in_order if not visit.failure}


def _say_requests(visits: Sequence[Visit]) -> bool:
    """Print the sums; tell whether a visitor was refused a page."""
    failed = [visit for visit in visits if visit.failure]
    slowest = max((visit.ended - visit.started for visit in visits), default=0.0)
    _say(f"Requests asked: {len(visits)} (slowest {slowest:.2f} s). Requests failed: {len(failed)}")
    for visit in failed[:5]:
        _say(f"failed: {visit.failure}")
    return bool(failed)


def _say_story(outcome: Outcome) -> None:
    """Print what `herder deploy` tells at its end: each host's releases."""
    for line in story_lines(outcome.lines):
        _say(line)


def story_lines(lines: Sequence[str]) -> list[str]:
    """Give the table at the end of what `herder deploy` prints, long rows folded."""
    begin = next((at for at, line in enumerate(lines) if _STORY.match(line)), len(lines))
    folded = (
        textwrap.wrap(line, _WIDTH, subsequent_indent=" " * 6, drop_whitespace=True)
        if len(line) > _WIDTH
        else [line]
        for line in lines[begin:]
    )
    return [part for parts in folded for part in parts if part.strip()]


def are_sessions_whole(visitors: Sequence[Visitor], sessions: Sequence[int]) -> bool:
    """Tell whether the site counted every page of every visitor in that visitor's session."""
    pages = [sum(not visit.failure for visit in visitor.visits) for visitor in visitors]
    return all(counted >= seen for counted, seen in zip(sessions, pages, strict=True))


def is_whole_change(changes: Sequence[HostChange]) -> bool:
    """Tell whether more than one server went from one and the same release to another one."""
    releases = {change.releases for change in changes}
    return len(changes) > 1 and len(releases) == 1 and all(len(pair) == 2 for pair in releases)


def change_table(changes: Sequence[HostChange]) -> str:
    """Give the table: per host old release, new release, seconds without a page of it, pages."""
    head = ("host", "old release", "new release", "seconds out", "pages")
    rows = [
        (
            change.host,
            change.releases[0],
            change.releases[-1] if len(change.releases) > 1 else "-",
            f"{change.away_seconds:.1f}",
            str(change.pages),
        )
        for change in changes
    ]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (head, *rows)
    )
    return "".join(f"  {line}\n" for line in lines)


def _where_visitors_ask(demo: _Demo) -> str:
    if demo.staging.cast.kind is Kind.MACHINES:
        door = demo.doors[0]
        return f"{_VISITORS} visitors ask http://{door.address}/ (HAProxy) all the time."
    return f"{_VISITORS} visitors ask both servers in turn (lab processes have no balancer)."


def _take_down(place: LabPlace) -> None:
    _chapter("The end")
    lab.down(place)
    _say("The lab is down, nothing of it is left.")


def _say_what_is_kept(demo: _Demo, directory: Path | None) -> None:
    _chapter("The lab stays")
    for door in demo.doors:
        _say(f"the site         http://{door.address}:{door.port}/")
    for line in what_to_do_with_it(demo.play("deploy.yml"), directory):
        _say(line)


def what_to_do_with_it(deploy: Play, directory: Path | None) -> list[str]:
    """Give the commands for a lab that stays; `directory` is where labs are kept."""
    lab_words = f"--name {_NAME}" + (f" --directory {directory}" if directory else "")
    variables = " ".join(f"-e {name}={value}" for name, value in deploy.variables.items())
    return [
        f"log in           herder lab ssh {lab_words} web1",
        f"the playbooks    cd {deploy.playbook.parent}",
        f"one more time    herder deploy {deploy.playbook.name} {' '.join(deploy.options)} \\",
        f"                     {variables}",
        f"remove it        herder lab down {lab_words}",
    ]


def _say_done(what: str, outcome: Outcome) -> None:
    sums = f"{outcome.tasks_ok} tasks ok, {outcome.tasks_changed} of them changed something"
    _say(f"{what} in {outcome.seconds:.1f} s: {sums}.")


def _chapter(title: str) -> None:
    bold, plain = ("\x1b[1m", "\x1b[0m") if sys.stdout.isatty() else ("", "")
    sys.stdout.write(f"\n{bold}{title}{plain}\n")
    sys.stdout.flush()


def _say(text: str) -> None:
    sys.stdout.write(f"  {text}\n")
    sys.stdout.flush()


def _show_passing(task: str) -> None:
    """Show a task on a line that the next one takes; on a terminal only."""
    if sys.stdout.isatty():
        sys.stdout.write(f"\r\x1b[K  {task[:76]}" if task else "\r\x1b[K")
        sys.stdout.flush()


def _run(words: Sequence[str]) -> str:
    """Give what a short program prints. *Raises*: LabError, when it fails."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabError(f"{Path(words[0]).name} failed: {done.stderr.strip()}")
    return done.stdout
