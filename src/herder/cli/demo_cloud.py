"""The story of `herder demo --cloud`: from no server to four, a rolling release, and back to three.

Every chapter is what a person would do by hand with the command that is named.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from herder.cli.demo_cloud_tables import Chapter, Way, chapter_table, way_table
from herder.cli.hit import answer_table, ask
from herder.cli.printing import printer
from herder.cli.scale import show_passing
from herder.display.table import Table, Tone
from herder.errors import HerderError, LabError
from herder.lab import lab
from herder.lab.mootube import Example, find_example
from herder.lab.mootube_cloud import CloudSite, bring_up
from herder.lab.place import LabPlace
from herder.lab.playing import Play
from herder.lab.scaling import Step, Teller, run_step, scale
from herder.lab.visitors import Visit, Visitor

NAME = "demo-cloud"
_VISITORS = 4
_PAUSE_SECONDS = 0.2
_QUESTIONS = 100


def tell(place: LabPlace, *, keep: bool) -> int:
    """Play all chapters; 0 when no visitor was refused a page. *Raises*: LabError."""
    example = find_example()
    _title("A lab with a database and a balancer, and a cloud", "herder lab cloud up")
    started = time.monotonic()
    site = bring_up(place, example)
    try:
        demo = _Demo(example, site)
        demo.note("database, balancer and an EC2 endpoint", time.monotonic() - started)
        _say(f"EC2 endpoint {site.cloud.url}, up in {demo.chapters[-1].seconds:.1f} s.")
        code = asyncio.run(demo.play())
    finally:
        if not keep:
            lab.down(place)
            _say("Lab and cloud are down, nothing of them is left.")
    if keep:
        _say(f"Look around: herder lab cloud status --name {place.name}")
        _say(f"Remove it:   herder lab down --name {place.name}")
    return code


@dataclass(frozen=True, slots=True)
class _Demo:
    """What all chapters need, and what is known of those that are over."""

    example: Example
    cloud: CloudSite
    chapters: list[Chapter] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    @property
    def teller(self) -> Teller:
        return Teller(self.end_step, show_passing)

    async def play(self) -> int:
        """Play all chapters after the first; give the exit code."""
        await self.come_up()
        plain = Way("two, without an image", tuple(self.steps))
        baked = Way("two, from the image", await self.grow())
        await self.release_and_shrink()
        _title("What it took", "from nothing to the end, in seconds")
        _print(chapter_table(self.chapters))
        _print(way_table((plain, baked)))
        failures = sum(chapter.failures for chapter in self.chapters)
        text = f"Failed requests: {failures}."
        printer().line(f"\n{text}", Tone.BAD if failures else Tone.GOOD)
        return 1 if failures else 0

    async def come_up(self) -> None:
        site = self.cloud.site
        _title("Two web servers", "herder playbook aws.yml -e servers=2")
        await self.step(site.play("aws.yml", servers="2"), "two servers created")
        _title("Provisioning", "herder playbook playbook.yml")
        await self.step(site.play("playbook.yml"), "provisioned, with database and balancer")
        _title("MooTube, version one", "herder deploy deploy.yml")
        _say(f"Commit {self.commit()}.")
        await self.step(site.deploy("deploy.yml"), "version one on two")
        await self.hit()

    async def grow(self) -> tuple[Step, ...]:
        """Make an image and two servers of it; give what the servers took."""
        _title("An image", "herder playbook bake.yml")
        await self.step(self.cloud.site.play("bake.yml"), "an image baked")
        _title("Two more, from the image, while visitors ask", "herder scale 4")
        before = len(self.steps)
        await self.visited(
            "two more from the image", lambda: scale(self.cloud.site, 4, self.teller)
        )
        await self.hit()
        return tuple(self.steps[before:])

    async def release_and_shrink(self) -> None:
        _title("Version two on four, one batch after the other", "herder deploy deploy.yml")
        _say(f"Commit {self.commit('--second')}.")
        deploy = self.cloud.site.deploy("deploy.yml")
        await self.visited("version two on four", lambda: run_step(deploy, "deployed", self.teller))
        await self.hit()
        _title("One less, drained first", "herder scale 3")
        await self.visited("one terminated", lambda: scale(self.cloud.site, 3, self.teller))
        await self.hit()

    async def step(self, what: Play, done: str) -> None:
        """Run one playbook that is a chapter of its own."""
        await run_step(what, done, self.teller)
        self.note(done, self.steps[-1].seconds)

    def end_step(self, step: Step) -> None:
        self.steps.append(step)
        _say(f"{step}.")

    def note(self, what: str, seconds: float, visits: Sequence[Visit] | None = None) -> None:
        failures = sum(bool(visit.failure) for visit in visits or ())
        asked = None if visits is None else len(visits)
        self.chapters.append(Chapter(what, seconds, asked, failures))

    async def hit(self) -> None:
        """Ask the balancer and print who answers."""
        door = self.cloud.door
        started = time.monotonic()
        visits = await ask([door], "/", times=_QUESTIONS, at_once=4)
        _print(answer_table(f"http://{door.name}/", visits))
        self.note("herder hit", time.monotonic() - started, visits)

    async def visited(self, what: str, job: Callable[[], Awaitable[object]]) -> None:
        """Do a job while visitors ask all the time; tell and note how their questions ended."""
        visitors = [Visitor([self.cloud.door]) for _ in range(_VISITORS)]
        failure: HerderError | None = None
        started = time.monotonic()
        async with asyncio.TaskGroup() as group:
            stays = [
                group.create_task(visitor.stay("/", pause_seconds=_PAUSE_SECONDS))
                for visitor in visitors
            ]
            try:
                await job()
            except HerderError as error:  # a group would wrap it in another exception
                failure = error
            for stay in stays:
                stay.cancel()
        if failure is not None:
            raise failure
        visits = [visit for visitor in visitors for visit in visitor.visits]
        self.note(what, time.monotonic() - started, visits)
        failed = [visit.failure for visit in visits if visit.failure]
        _say(f"Meanwhile {len(visits)} requests, {len(failed)} failed.")
        for text in sorted(set(failed))[:3]:
            _say(f"failed: {text}")

    def commit(self, *options: str) -> str:
        """Make the site's next version; give its commit and message in one line."""
        folder = self.cloud.repository
        _run([sys.executable, str(self.example.repository_maker), str(folder), *options])
        return _run(["git", "-C", str(folder), "log", "-1", "--format=%h, %s"]).strip()


def _run(words: Sequence[str]) -> str:
    """Give what a short program prints. *Raises*: LabError, when it fails."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabError(f"{Path(words[0]).name} failed: {done.stderr.strip()}")
    return done.stdout


def _print(table: Table) -> None:
    sys.stdout.write("\n")
    sys.stdout.flush()
    printer().table(table)


def _title(title: str, command: str) -> None:
    bold, plain = ("\x1b[1m", "\x1b[0m") if sys.stdout.isatty() else ("", "")
    sys.stdout.write(f"\n{bold}{title}{plain}  ({command})\n")
    sys.stdout.flush()


def _say(text: str) -> None:
    sys.stdout.write(f"  {text}\n")
    sys.stdout.flush()
