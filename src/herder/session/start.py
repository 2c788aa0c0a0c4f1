"""Brings an agent to life at the far end of a fresh stream, and says why when it does not come."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from herder.errors import BecomeRefused, HerderError, HostUnreachable, PythonMissing
from herder.model.route import BecomeStep, Route
from herder.session.connection import Connection, SessionLimits
from herder.session.dialogue import Action, BecomeDialogue, ExpectSoon, Refuse, SendPassword
from herder.session.protocol import State
from herder.transport.ways import describe_failure, led_to_a_shell
from herder.wire.bootstrap import agent_payload, ready_payload
from herder.wire.frames import Kind, encode
from herder.wire.handshake import NO_PYTHON, OLD_PYTHON, READY
from herder.wire.messages import Settings, to_head

_SOON_SECONDS = 1.0
_STATUS_SECONDS = 2.0
_LAST_WORDS_LOOKS = 5
_LAST_WORDS_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class StartLimits:
    """How long to wait. *Units*: seconds; for the greeting, and for each word of a become talk."""

    greeting_seconds: float = 60.0
    become_seconds: float = 12.0
    kept_in: str | None = None
    """The folder in which what is sent to start an agent is kept from run to run."""


async def start_agent(connection: Connection, route: Route, limits: StartLimits) -> None:
    """Send the agent over the connection's stream and wait until it has greeted.

    *Raises*: HostUnreachable, PythonMissing, BecomeRefused.
    """
    step = route.become
    if step is not None:
        await _Talk(connection, route, step, limits).reach_stage()
    await _send_agent(connection, limits)
    await _wait_for_greeting(connection, route, limits.greeting_seconds)
    connection.stream.settle()


async def _send_agent(connection: Connection, start_limits: StartLimits) -> None:
    limits: SessionLimits = connection.limits
    settings = Settings(
        silence_seconds=limits.silence_seconds,
        output_limit_bytes=limits.output_limit_bytes,
        cache=limits.is_cache_kept,
        cache_limit_bytes=limits.cache_limit_bytes,
    )
    payload = await _payload(start_limits.kept_in)
    connection.stream.write(payload + encode(Kind.SETTINGS, 0, to_head(settings)))


async def _payload(kept_in: str | None) -> bytes:
    # reading our own files blocks, but only for the first host
    ready = ready_payload(kept_in)
    return ready if ready is not None else await asyncio.to_thread(agent_payload, kept_in)


async def _wait_for_greeting(connection: Connection, route: Route, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            while connection.state is not State.OPEN and not connection.is_closed:
                connection.news.clear()
                await connection.news.wait()
    except TimeoutError:
        reason = f"Connection timed out: no agent answered within {seconds:g} s"
        raise HostUnreachable(route.host, reason, transcript=connection.transcript()) from None
    if connection.state is not State.OPEN:
        raise await _explain(connection, route)


async def _explain(connection: Connection, route: Route, last_words: str = "") -> HerderError:
    status = await connection.stream.wait_status(_STATUS_SECONDS)
    for _ in range(_LAST_WORDS_LOOKS):
        # what was said last may come after the end
        if connection.words:
            break
        await asyncio.sleep(_LAST_WORDS_SECONDS)
    said = connection.words + connection.noise
    if NO_PYTHON in said:
        return PythonMissing(route.host, f"none of {_rest_of_line(said, NO_PYTHON)}")
    if OLD_PYTHON in said:
        seen = f"Python {_rest_of_line(said, OLD_PYTHON)}"
        return PythonMissing(route.host, seen, is_too_old=True)
    transcript = connection.transcript()
    if route.become is not None:
        reason = last_words or transcript or f"{route.become.method} ended with status {status}"
        return BecomeRefused(route.host, route.become.method, reason, transcript=transcript)
    if READY not in said and led_to_a_shell(route.way, status):
        return PythonMissing(route.host, transcript or f"its end with status {status}")
    reason = describe_failure(route.way, status, transcript)
    return HostUnreachable(route.host, reason, transcript=transcript)


def _rest_of_line(said: bytes, marker: bytes) -> str:
    start = said.find(marker) + len(marker)
    return said[start:].split(b"\n", 1)[0].decode(errors="replace").strip()


class _Talk:
    """Carries out a become dialogue until the first stage is ready."""

    def __init__(
        self, connection: Connection, route: Route, step: BecomeStep, limits: StartLimits
    ) -> None:
        self._connection = connection
        self._route = route
        self._step = step
        self._dialogue = BecomeDialogue(step)
        self._seconds = step.timeout_seconds or limits.become_seconds
        self._deadline = asyncio.get_running_loop().time() + self._seconds
        self._heard_noise = 0
        self._heard_words = 0

    async def reach_stage(self) -> None:
        """Talk until the first stage is ready.

        *Raises*: BecomeRefused, PythonMissing.
        """
        while self._connection.state is State.STARTING and not self._connection.is_closed:
            try:
                async with asyncio.timeout_at(self._deadline):
                    await self._connection.news.wait()
            except TimeoutError:
                raise self._refused(self._dialogue.timed_out(self._seconds)) from None
            self._connection.news.clear()
            self._listen()
        if self._connection.state is not State.READY:
            last_words = self._dialogue.last_words
            raise await _explain(self._connection, self._route, last_words)
        self._dialogue.succeed()

    def _listen(self) -> None:
        noise, words = self._connection.noise, self._connection.words
        new = noise[self._heard_noise :], words[self._heard_words :]
        self._heard_noise, self._heard_words = len(noise), len(words)
        if self._connection.state is not State.STARTING:
            return
        for output in new:
            if output:
                self._act(self._dialogue.hear(output))

    def _act(self, action: Action | None) -> None:
        now = asyncio.get_running_loop().time()
        if isinstance(action, Refuse):
            raise self._refused(action)
        if isinstance(action, SendPassword):
            assert self._step.password is not None
            self._connection.stream.write(self._step.password.reveal().encode() + b"\n")
            self._deadline = now + self._seconds
        elif isinstance(action, ExpectSoon):
            self._deadline = min(self._deadline, now + _SOON_SECONDS)

    def _refused(self, refusal: Refuse) -> BecomeRefused:
        return BecomeRefused(
            self._route.host,
            self._step.method,
            refusal.reason,
            transcript=self._dialogue.transcript,
        )
