"""The story of `herder demo --cloud`: from no server to four, a rolling release, and back to three.

Every chapter is what a person would do by hand with the commands that are named.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from herder.cli.hit import answer_table, ask
from herder.cli.printing import printer
from herder.cli.scale import show_passing
from herder.errors import HerderError, LabError
from herder.lab import lab
from herder.lab.mootube import Example, find_example
from herder.lab.mootube_cloud import CloudSite, bring_up
from herder.lab.place import LabPlace
from herder.lab.scaling import Teller, run_step, scale
from herder.lab.visitors import Visit, Visitor

NAME = "demo-cloud"
_VISITORS = 4
_PAUSE_SECONDS = 0.05
_QUESTIONS = 100


def tell(place: LabPlace, *, keep: bool) -> int:
    """Play all chapters; 0 when no visitor was refused a page. *Raises*: LabError."""
    example = find_example()
    started = time.monotonic()
    _chapter("A lab with a database and a balancer, and a cloud", "herder lab cloud up")
    site = bring_up(place, example)
    try:
        _say(f"EC2 endpoint {site.cloud.url}, {time.monotonic() - started:.1f} s.")
        code = asyncio.run(_Demo(example, site).play())
        _say(f"All of it in {time.monotonic() - started:.0f} s.")
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
    """What all chapters need."""

    example: Example
    cloud: CloudSite

    @property
    def teller(self) -> Teller:
        return Teller(_say, show_passing)

    async def play(self) -> int:
        site = self.cloud.site
        _chapter("Two web servers", "herder playbook aws.yml -e servers=2")
        started = time.monotonic()
        await run_step(site.play("aws.yml", servers="2"), "two created", self.teller)
        _chapter("Provisioning", "herder playbook playbook.yml")
        await run_step(site.play("playbook.yml"), "provisioned", self.teller)
        _chapter("MooTube, version one", "herder deploy deploy.yml")
        _say(f"Commit {self.commit()}.")
        await run_step(site.deploy("deploy.yml"), "deployed", self.teller)
        without = time.monotonic() - started
        _say(f"From nothing to serving: {without:.0f} s without an image.")
        await self.hit()
        _chapter("An image", "herder playbook bake.yml")
        await run_step(site.play("bake.yml"), "baked", self.teller)
        return await self.grow_and_release(without)

    async def grow_and_release(self, without: float) -> int:
        _chapter("Two more, from the image, while visitors ask", "herder scale 4")
        started = time.monotonic()
        grown = await self.visited(lambda: scale(self.cloud.site, 4, self.teller))
        seconds = time.monotonic() - started
        _say(f"From nothing to serving: {seconds:.0f} s with the image, {without:.0f} s without.")
        await self.hit()
        _chapter("Version two on four, one after the other", "herder deploy deploy.yml")
        _say(f"Commit {self.commit('--second')}.")
        deploy = self.cloud.site.deploy("deploy.yml")
        rolled = await self.visited(lambda: run_step(deploy, "deployed", self.teller))
        await self.hit()
        _chapter("One less, drained first", "herder scale 3")
        shrunk = await self.visited(lambda: scale(self.cloud.site, 3, self.teller))
        last = await self.hit()
        return 0 if not any(visit.failure for visit in (*grown, *rolled, *shrunk, *last)) else 1

    async def hit(self) -> list[Visit]:
        """Ask the balancer and print who answers."""
        door = self.cloud.door
        visits = await ask([door], "/", times=_QUESTIONS, at_once=4)
        printer().table(answer_table(f"http://{door.name}/", visits))
        return visits

    async def visited(self, job: Callable[[], Awaitable[object]]) -> list[Visit]:
        """Do a job while visitors ask all the time; give how every question ended."""
        visitors = [Visitor([self.cloud.door]) for _ in range(_VISITORS)]
        failure: HerderError | None = None
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
        failed = [visit.failure for visit in visits if visit.failure]
        _say(f"Meanwhile {len(visits)} requests, {len(failed)} failed.")
        for text in sorted(set(failed))[:3]:
            _say(f"failed: {text}")
        return visits

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


def _chapter(title: str, command: str) -> None:
    bold, plain = ("\x1b[1m", "\x1b[0m") if sys.stdout.isatty() else ("", "")
    sys.stdout.write(f"\n{bold}{title}{plain}  ({command})\n")
    sys.stdout.flush()


def _say(text: str) -> None:
    sys.stdout.write(f"  {text}\n")
    sys.stdout.flush()
