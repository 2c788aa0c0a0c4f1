"""A command that was given before connects while what it runs with is still being imported.

Importing ansible-core and reading the playbook takes one core half a second, and connecting then
takes as long again, mostly waiting. Whether both can go at once says the plan that an earlier run
of the very same command kept. This file imports nothing that is slow to import.
See docs/decisions/0013.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import herder
from herder.events import EventSink
from herder.language.blocking import LoopThread
from herder.model.route import Route
from herder.person import at_home
from herder.record.first_moment import FirstMoment
from herder.record.route_plan import CommandKey, PlanShelf, RoutePlan, may_be_kept
from herder.record.trail import Trail
from herder.session.connection import SessionLimits
from herder.session.pool import SessionPool
from herder.session.start import StartLimits
from herder.settings import Settings, from_environment

CACHE = Path("~/.cache/herder")


@contextlib.contextmanager
def connected(settings: Settings) -> Iterator[tuple[LoopThread, SessionPool]]:
    """Give the loop and the sessions of a run; both are ended with it."""
    loop = LoopThread()
    sessions = SessionPool(
        start_limit=settings.connect_starts,
        limits=SessionLimits(
            output_limit_bytes=settings.output_limit_bytes,
            programs_at_once=settings.programs_at_once,
            close_seconds=settings.close_timeout_seconds,
        ),
        start_limits=StartLimits(
            greeting_seconds=settings.connect_timeout_seconds,
            kept_in=str(at_home(CACHE) / "agents"),
        ),
    )
    try:
        yield loop, sessions
    finally:
        loop.call(sessions.close())
        loop.stop()


@contextlib.contextmanager
def begun(words: Sequence[str], *, program: str) -> Iterator[HeadStart]:
    """Give what a run starts with; where its plan holds, the hosts are being connected to.

    *Raises*: UsageError for a setting that does not fit.
    """
    settings = from_environment(os.environ)
    foreseeing = _foreseeing(words, program, settings) if settings.connect_early else None
    with connected(settings) as (loop, sessions):
        start = HeadStart(loop, sessions, foreseeing)
        start.begin()
        yield start


def _foreseeing(words: Sequence[str], program: str, settings: Settings) -> Foreseeing | None:
    try:
        here = Path.cwd()
        mode = here.stat().st_mode
    except OSError:
        # a working directory that was removed
        return None
    key = CommandKey(
        program=program,
        words=tuple(words),
        directory=str(here),
        directory_mode=mode,
        user=(os.getuid(), os.geteuid()),
        versions=(herder.__version__, sys.version, sys.executable, *sys.path),
    )
    shelf = PlanShelf(at_home(CACHE) / "plans")
    environment = dict(os.environ)
    return Foreseeing(shelf, key.digest(environment), environment, settings.connect_starts)


@dataclass(frozen=True, slots=True)
class Foreseeing:
    """Where plans are, the name of this command's, and what surrounded it at its start."""

    shelf: PlanShelf
    name: str
    environment: Mapping[str, str]
    routes_limit: int


class HeadStart:
    """The loop and the sessions of a run, and what becomes the plan of the next one.

    Without `foreseeing` nothing is begun, noted or kept.
    """

    def __init__(
        self, loop: LoopThread, sessions: SessionPool, foreseeing: Foreseeing | None = None
    ) -> None:
        self.loop = loop
        self.sessions = sessions
        self.trail = Trail(time.time_ns()) if foreseeing else None
        self._foreseeing = foreseeing
        self._moment = FirstMoment(self._take_effect, self._see_routes)
        self._plan: RoutePlan | None = None
        self._asked: tuple[Route, ...] = ()

    @property
    def sinks(self) -> tuple[EventSink, ...]:
        """Who is to be told of the run's events."""
        return (self._moment,) if self.trail else ()

    def begin(self) -> None:
        """Connect to where the very same command went before, if nothing has changed since."""
        if self._foreseeing is None:
            return
        plan = self._foreseeing.shelf.get(self._foreseeing.name)
        if plan is not None and plan.holds():
            self._plan = plan
            self.loop.start(self.sessions.begin(plan.routes))

    def lost_by(
        self, during: Callable[[], AbstractContextManager[None]]
    ) -> Callable[[], AbstractContextManager[None]]:
        """What a person answers decides anew each time: no plan comes of a run with a question."""

        def asking() -> AbstractContextManager[None]:
            if self.trail is not None:
                self.trail.lose()
            return during()

        return asking

    def keep(self) -> None:
        """Keep the plan for the next run of this command; the run is over, its sessions are not."""
        self._moment.end()
        if self.trail is None or self._foreseeing is None:
            return
        shelf, name = self._foreseeing.shelf, self._foreseeing.name
        plan = self._new_plan(self.trail, self._foreseeing)
        if plan is None:
            shelf.drop(name)
        elif plan != self._plan:
            shelf.keep(name, plan)

    def _new_plan(self, trail: Trail, foreseeing: Foreseeing) -> RoutePlan | None:
        if trail.marks is None or dict(os.environ) != foreseeing.environment:
            # in another environment ssh may find another agent with other keys
            return None
        connected = set(self.loop.call(self.sessions.connected()))
        routes = [each for each in self._asked if each in connected and may_be_kept(each)]
        routes = routes[: min(foreseeing.routes_limit, trail.hosts_limit)]
        return RoutePlan(dict(trail.marks), tuple(routes)) if routes else None

    def _take_effect(self) -> None:
        self.loop.call(self.sessions.forget_early_errors())

    def _see_routes(self) -> None:
        if self.trail is not None:
            self.trail.close()
            self._asked = self.loop.call(self.sessions.asked())
