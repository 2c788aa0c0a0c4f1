"""All sessions of a run: made when first asked for, shared, ended together."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import math
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from herder.errors import BecomeRefused, HerderError, HostUnreachable
from herder.model.door import Door
from herder.model.ports import Completed, Session
from herder.model.route import LocalWay, Route, Way
from herder.session.connection import Connection, SessionLimits
from herder.session.host_session import HostSession
from herder.session.parcels import Parcels
from herder.session.raw import run_line
from herder.session.start import StartLimits, start_agent
from herder.session.tunnel import TunnelStream
from herder.transport.process import reserve_files, start_process
from herder.transport.ways import (
    describe_loss,
    go_anew,
    looked_at,
    may_retry,
    may_stand,
    program_for,
)
from herder.wire.bootstrap import bootstrap_line
from herder.wire.messages import OpenProcess

_LONGEST_PAUSE_SECONDS = 30.0
_FILES_PER_SESSION = 3
_OTHER_FILES = 300
_HERE = "localhost"
_EARLY_ERROR_SECONDS = 10.0
_STANDING_SECONDS = 10.0
# Source: sudoers(5), requiretty
_WANTS_TTY = "you must have a tty"

Value = TypeVar("Value")


@dataclass(slots=True, eq=False)
class _Slot:
    """One route's place: at most one connects, the others wait and share what comes of it."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    session: HostSession | None = None
    attempts: int = 0
    error: HerderError | None = None
    is_suspect: bool = False
    is_asked: bool = False
    has_connected: bool = False
    early_error: _EarlyError | None = None


@dataclass(slots=True, eq=False)
class _EarlyError:
    """How a connection failed that was begun before anybody asked, when, and how long it took.

    It is told as long as the attempt would take if it were made now: to all who ask meanwhile.
    """

    error: HerderError
    moment: float
    seconds: float
    told_until: float = math.inf

    def is_told(self, now: float) -> bool:
        """Whether who asks now gets it; from the first who does its time runs."""
        self.told_until = min(self.told_until, now + self.seconds)
        return now - self.moment < _EARLY_ERROR_SECONDS and now <= self.told_until


class SessionPool:
    """Gives sessions by route; implements model.ports.Sessions.

    *Units*: `start_limit` connections may be starting at the same time. Hosts that are this very
    machine share one agent for each user, unless `shares_local` is false.
    """

    def __init__(
        self,
        *,
        start_limit: int = 30,
        limits: SessionLimits | None = None,
        start_limits: StartLimits | None = None,
        shares_local: bool = True,
    ) -> None:
        self._shares_local = shares_local
        self._limits = limits or SessionLimits()
        self._start_limits = start_limits or StartLimits()
        self._programs_at_once = self._limits.programs_at_once
        self._starting = asyncio.Semaphore(start_limit)
        self.door = Door()
        self._slots: dict[Route, _Slot] = {}
        self._parcels = Parcels()
        self._early: set[asyncio.Task[None]] = set()
        self._new_ways: dict[str, set[Way]] = {}
        self._trusts_early_errors = True
        self._is_closed = False

    async def get(self, route: Route) -> Session:
        """Give the session of this route, connecting first when needed.

        *Raises*: HostUnreachable, PythonMissing, BecomeRefused.
        """
        route = self._shared(route)
        slot = self._slots.setdefault(route, _Slot())
        slot.is_asked = True
        attempts = slot.attempts
        async with slot.lock:
            if slot.session is not None and await self._is_good(slot, slot.session):
                return slot.session
            if slot.attempts != attempts and slot.error is not None:
                # it was tried while we waited: the same answer, not another attempt
                raise slot.error
            return await self._fill(slot, route)

    def ready(self, route: Route) -> Session | None:
        """Give a session that is open and plainly good; asked from other threads too."""
        slot = self._slots.get(self._shared(route))
        session = slot.session if slot is not None else None
        if slot is None or session is None or slot.is_suspect:
            return None
        return session if session.connection.is_usable else None

    async def begin(self, routes: Iterable[Route]) -> None:
        """Begin to connect before anybody asks, each route once; returns at once.

        Who asks first gets what came of it, a failure too: it is one attempt as ever. What nobody
        asks for is closed in the end and its failure never told.
        """
        for route in map(self._shared, routes):
            task = asyncio.create_task(self._begin(self._slots.setdefault(route, _Slot()), route))
            self._early.add(task)
            task.add_done_callback(self._begun)

    def _begun(self, task: asyncio.Task[None]) -> None:
        self._early.discard(task)
        if not task.cancelled():
            # looked at, so that nobody tells of it: who asks for the route meets it again
            task.exception()

    async def forget_early_errors(self) -> None:
        """What failed before anybody asked is tried anew: the run may have changed something."""
        self._trusts_early_errors = False

    async def asked(self) -> tuple[Route, ...]:
        """Give the routes that were asked for, in the order in which they were first known."""
        return tuple(route for route, slot in self._slots.items() if slot.is_asked)

    async def connected(self) -> tuple[Route, ...]:
        """Give the routes that led to an agent at least once, in the same order."""
        return tuple(route for route, slot in self._slots.items() if slot.has_connected)

    async def run_raw(self, route: Route, line: str, stdin: bytes | None = None) -> Completed:
        """Run a shell line over the way itself, without agent or Python."""
        way = route.way
        if may_stand(way):
            way, _ = await asyncio.to_thread(looked_at, way)
        program = program_for(way, line, route.shell)
        limit_bytes = self._limits.output_limit_bytes
        return await self._knocking(lambda: run_line(program, route, stdin or b"", limit_bytes))

    def allow_programs(self, number: int) -> None:
        """Let at least so many modules and commands run on one machine at once."""
        self._programs_at_once = max(self._programs_at_once, number)

    def way_in(self, route: Route) -> tuple[str, ...]:
        """Give the program and its words that lead to the host, for messages."""
        return program_for(route.way, "", route.shell).argv

    async def reset(self, host: str) -> None:
        """Close the host's sessions, and use no connection again that stands from an earlier run.

        What all hosts of this machine share stays: nothing of it could be stale.
        """
        self._new_ways[host] = set()
        own = (route for route in self._slots if not self._is_shared(route))
        routes = [route for route in own if route.host == host]
        for route in sorted(routes, key=lambda each: each.become is None):
            # one that is just being made would be as old as those that are ended
            async with self._slots[route].lock:
                await self._end([route])
        for way in {route.way for route in routes if may_stand(route.way)}:
            await asyncio.to_thread(go_anew, way)

    async def end(self, route: Route) -> None:
        """Close this route's session and those that lead through it, also where hosts share it."""
        route = self._shared(route)
        routes = [
            each
            for each in self._slots
            if each == route or (route.become is None and replace(each, become=None) == route)
        ]
        await self._end(sorted(routes, key=lambda each: each.become is None))

    def _shared(self, route: Route) -> Route:
        return replace(route, host=_HERE) if self._is_shared(route) else route

    def _is_shared(self, route: Route) -> bool:
        # a hundred hosts with ansible_connection=local are one machine and one user
        return self._shares_local and isinstance(route.way, LocalWay)

    async def close(self) -> None:
        """End every agent and connection, bounded in time; safe to call twice."""
        self._is_closed = True
        await asyncio.shield(self._close_all())

    async def _close_all(self) -> None:
        begun = tuple(self._early)
        for task in begun:
            task.cancel()
        if begun:
            # each ends what it has begun, bounded in time
            await asyncio.wait(begun)
        inner = [route for route in self._slots if route.become is not None]
        outer = [route for route in self._slots if route.become is None]
        for routes in (inner, outer):
            await self._end_together(routes)

    async def _end_together(self, routes: list[Route]) -> None:
        async with asyncio.TaskGroup() as group:
            for route in routes:
                group.create_task(self._end([route]))

    async def _end(self, routes: list[Route]) -> None:
        for route in routes:
            slot = self._slots.get(route)
            if slot is not None and slot.session is not None:
                session, slot.session = slot.session, None
                await session.connection.close()

    async def _is_good(self, slot: _Slot, session: HostSession) -> bool:
        if not session.connection.is_usable:
            return False
        if not (slot.is_suspect and session.connection.is_idle):
            return True
        slot.is_suspect = False
        if await session.has_current_groups():
            return True
        await session.connection.close()
        return False

    def _suspect(self, host: str) -> None:
        # like sudo anew for each task: only what become started gets new groups
        for route, slot in self._slots.items():
            if route.host == host and route.become is not None:
                slot.is_suspect = True

    async def _begin(self, slot: _Slot, route: Route) -> None:
        clock = asyncio.get_running_loop().time
        async with slot.lock:
            if slot.attempts or slot.session is not None:
                return
            began = clock()
            try:
                slot.session = await self._connect(route)
                slot.has_connected = True
            except HerderError as error:
                slot.early_error = _EarlyError(error, clock(), clock() - began)

    async def _fill(self, slot: _Slot, route: Route) -> HostSession:
        if self._is_closed:
            raise HostUnreachable(route.host, "the run is over")
        slot.error = None
        try:
            self._tell_early_error(slot)
            slot.session = await self._connect(route)
            slot.has_connected = True
        except HerderError as error:
            slot.error = error
            raise
        finally:
            slot.attempts += 1
        return slot.session

    def _tell_early_error(self, slot: _Slot) -> None:
        early, now = slot.early_error, asyncio.get_running_loop().time()
        if early is not None and self._trusts_early_errors and early.is_told(now):
            raise early.error
        slot.early_error = None

    async def _connect(self, route: Route) -> HostSession:
        carrier = await self._carrier(route)
        reserve_files(_FILES_PER_SESSION * len(self._slots) + _OTHER_FILES)
        if carrier is None and may_stand(route.way):
            is_trusted = self._trusts_standing(route)
            way, stands = await asyncio.to_thread(looked_at, route.way)
            route = replace(route, way=way)
            if stands and (session := await self._through_standing(route, is_trusted=is_trusted)):
                return session
        attempt = 0
        while True:
            try:
                # who waits at a door keeps its place, so that fewer stand there
                async with self._starting:
                    attempted = functools.partial(self._attempt, route, carrier, self._start_limits)
                    return await self._knocking(attempted)
            except BecomeRefused as error:
                step = route.become
                if step is None or step.needs_tty or _WANTS_TTY not in error.reason:
                    raise
                route = replace(route, become=replace(step, needs_tty=True))
                continue
            except HostUnreachable as error:
                if not may_retry(route.way, attempt, error.reason):
                    raise
            # Source: ansible-core 2.19 plugins/connection/ssh.py, _ssh_retry
            await asyncio.sleep(min(2**attempt - 1, _LONGEST_PAUSE_SECONDS))
            attempt += 1

    async def _knocking(self, attempted: Callable[[], Awaitable[Value]]) -> Value:
        """Try, and again while a server takes no more connections but lets others in."""
        attempts = 0
        while True:
            try:
                value = await attempted()
            except HostUnreachable as error:
                attempts += 1
                pause = self.door.pause(error.transcript, attempts)
                if pause is None:
                    raise
            else:
                self.door.let_in()
                return value
            await asyncio.sleep(pause)

    def _trusts_standing(self, route: Route) -> bool:
        """Whether no session of this route broke off, and its way was not reset or is new since."""
        since_reset = self._new_ways.get(route.host)
        is_new = since_reset is None or route.way in since_reset
        if since_reset is not None:
            since_reset.add(route.way)
        return is_new and not self._slots[route].has_connected

    async def _through_standing(self, route: Route, *, is_trusted: bool) -> HostSession | None:
        """Try a connection that an earlier run left; one that leads nowhere counts for nothing."""
        if is_trusted:
            seconds = min(_STANDING_SECONDS, self._start_limits.greeting_seconds)
            with contextlib.suppress(HostUnreachable):
                async with self._starting:
                    limits = replace(self._start_limits, greeting_seconds=seconds)
                    return await self._attempt(route, None, limits)
        await asyncio.to_thread(go_anew, route.way)
        return None

    async def _attempt(
        self, route: Route, carrier: Connection | None, limits: StartLimits
    ) -> HostSession:
        connection = Connection(route.host, self._limits)
        connection.describe_loss = functools.partial(_describe_loss, route)
        try:
            await self._open_stream(connection, route, carrier)
            await start_agent(connection, route, limits)
            if self._is_closed:
                raise HostUnreachable(route.host, "the run is over")
        except BaseException:
            await asyncio.shield(connection.close())
            raise
        session = HostSession(connection, self._parcels, lambda: self._programs_at_once)
        session.on_accounts_changed = functools.partial(self._suspect, route.host)
        return session

    async def _carrier(self, route: Route) -> Connection | None:
        if route.become is None:
            return None
        session = await self.get(replace(route, become=None))
        assert isinstance(session, HostSession)
        return session.connection

    async def _open_stream(
        self, connection: Connection, route: Route, carrier: Connection | None
    ) -> None:
        if carrier is not None and route.become is not None:
            tunnel = TunnelStream(carrier, connection)
            connection.attach(tunnel)
            step = route.become
            tunnel.start(OpenProcess(step.command, route.shell, step.needs_tty))
            return
        program = program_for(route.way, bootstrap_line(route.interpreters), route.shell)
        try:
            connection.attach(await start_process(program, connection))
        except OSError as error:
            raise HostUnreachable(
                route.host, f"cannot start {program.argv[0]!r}: {error}"
            ) from error


def _describe_loss(route: Route, words: str) -> str:
    # through become it is the login session's way that broke
    return words or "the connection broke off" if route.become else describe_loss(route.way, words)
