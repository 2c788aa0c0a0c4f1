"""Feeds protocol.py with a stream's bytes and hands its frames to the calls that wait for them.

No task of its own: bytes come in as callbacks, each call waits for a future, one timer keeps the
agent alive and notices a dead link. *Then*: `close`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from herder.errors import HostUnreachable
from herder.session import replies
from herder.session.protocol import AgentGreeted, SessionProtocol, State
from herder.transport.stream import Stream
from herder.wire.frames import Frame, Head, Kind, WireError
from herder.wire.handshake import Greeting
from herder.wire.messages import Operation

_WORDS_LIMIT_BYTES = 16 * 1024
_LAST_WORDS_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """Bounds of every session of a pool. *Units*: seconds, bytes.

    A host runs one task at a time: only where many hosts delegate theirs to one machine, or run
    them on the controller, would more than `programs_at_once` modules and commands run there.
    """

    keepalive_seconds: float = 10.0
    silence_seconds: float = 60.0
    output_limit_bytes: int = 64 * 1024 * 1024
    programs_at_once: int = 10
    cache_limit_bytes: int = 64 * 1024 * 1024
    close_seconds: float = 5.0
    is_cache_kept: bool = True


@dataclass(slots=True, eq=False)
class PendingCall:
    """A call that waits for its answer, and who takes what comes before it."""

    answer: asyncio.Future[Frame]
    number: int = 0
    on_needs: Callable[[Head], None] | None = None
    on_output: Callable[[Frame], None] | None = None
    on_grant: Callable[[int], None] | None = None
    stdout: list[bytes] = field(default_factory=list)
    stderr: list[bytes] = field(default_factory=list)
    caught_bytes: int = 0

    def take(self, frame: Frame, limit_bytes: int) -> None:
        """Take a frame of this call.

        *Raises*: WireError when it does not fit, or more output comes than the agent may send.
        """
        if frame.kind in (Kind.REPLY, Kind.FAILURE):
            if not self.answer.done():
                self.answer.set_result(frame)
        elif frame.kind is Kind.NEEDS and self.on_needs is not None:
            self.on_needs(frame.head)
        elif frame.kind is Kind.GRANT and self.on_grant is not None:
            self.on_grant(replies.whole(frame.head, "bytes"))
        elif frame.kind is Kind.OUTPUT:
            self._take_output(frame, limit_bytes)

    def _take_output(self, frame: Frame, limit_bytes: int) -> None:
        if self.on_output is not None:
            self.on_output(frame)
            return
        self.caught_bytes += len(frame.body)
        if self.caught_bytes > limit_bytes:
            raise WireError(f"output of {self.caught_bytes} bytes, limit is {limit_bytes} bytes")
        parts = self.stderr if frame.head.get("stream") == "stderr" else self.stdout
        parts.append(frame.body)


class Connection:
    """A conversation with an agent, or with what shall become one."""

    def __init__(self, host: str, limits: SessionLimits) -> None:
        self.host = host
        self.limits = limits
        self.greeting: Greeting | None = None
        self.is_closed = False
        self.news = asyncio.Event()
        self.describe_loss: Callable[[str], str] = lambda words: words or "the connection broke off"
        self._protocol = SessionProtocol(body_limit=limits.output_limit_bytes)
        self._stream: Stream | None = None
        self._words = bytearray()
        self._calls: dict[int, PendingCall] = {}
        self._lost: HostUnreachable | None = None
        self._keepalive: asyncio.TimerHandle | None = None
        self._last_heard = 0.0

    @property
    def is_usable(self) -> bool:
        """Whether calls may be made."""
        return self.greeting is not None and self._lost is None and not self.is_closed

    @property
    def is_idle(self) -> bool:
        """Whether no call is under way."""
        return not self._calls

    @property
    def state(self) -> State:
        """Where the conversation stands."""
        return self._protocol.state

    @property
    def noise(self) -> bytes:
        """What stood before the conversation on standard output."""
        return self._protocol.noise

    @property
    def words(self) -> bytes:
        """The last of what came on standard error."""
        return bytes(self._words)

    @property
    def stream(self) -> Stream:
        """What it goes over; assumes that `attach` was called."""
        assert self._stream is not None
        return self._stream

    def attach(self, stream: Stream) -> None:
        """Talk over this stream."""
        self._stream = stream

    def bytes_received(self, data: bytes) -> None:
        """Take what the far side sent (transport's word)."""
        self._last_heard = asyncio.get_running_loop().time()
        try:
            for event in self._protocol.receive(data):
                if isinstance(event, Frame):
                    self._hand_on(event)
                elif isinstance(event, AgentGreeted):
                    self._open(event.greeting)
        except WireError as error:
            self._break(f"the agent broke the wire: {error}")
        if not self.news.is_set():
            self.news.set()

    def words_received(self, data: bytes) -> None:
        """Take standard error (transport's word)."""
        self._words += data
        del self._words[:-_WORDS_LIMIT_BYTES]
        self.news.set()

    def stream_closed(self) -> None:
        """The way is gone (transport's word); its last words may still be under way."""
        self.is_closed = True
        self._protocol.close()
        self.news.set()
        asyncio.get_running_loop().call_later(_LAST_WORDS_SECONDS, self._explain_loss)

    def lose(self, error: HostUnreachable) -> None:
        """End every call with this error; nothing more can be asked."""
        if self._lost is not None:
            return
        self._lost = error
        self.is_closed = True
        self._protocol.close()
        if self._keepalive is not None:
            self._keepalive.cancel()
        calls, self._calls = self._calls, {}
        for call in calls.values():
            if not call.answer.done():
                call.answer.set_exception(error)
                # perhaps nobody waits for it any more: not an error of its own
                call.answer.exception()

    async def close(self) -> None:
        """End the agent and the way to it, bounded in time; safe to call twice."""
        # who never greeted need not be waited for
        seconds = self.limits.close_seconds if self.greeting is not None else 0.2
        if self.is_usable:
            # a terminal on the way would swallow the end of input
            self.send(Kind.CLOSE, 0)
        self.lose(HostUnreachable(self.host, "the session was closed"))
        if self._stream is not None:
            await self._stream.close(seconds)

    def new_call(self) -> PendingCall:
        """Give a call that is not made yet."""
        return PendingCall(asyncio.get_running_loop().create_future())

    def make(self, operation: Operation, body: bytes, pending: PendingCall) -> None:
        """Send a call; its frames go to `pending` from now on.

        *Raises*: HostUnreachable when the conversation is over.
        """
        if self._lost is not None:
            raise self._lost
        pending.number, data = self._protocol.call(operation, body)
        self._calls[pending.number] = pending
        self.stream.write(data)

    async def answer(self, pending: PendingCall) -> Frame:
        """Wait for a call's answer; the call is cancelled on the host when this is cancelled.

        *Raises*: HostUnreachable, OperationFailed.
        """
        try:
            await self.stream.drain()
            frame = await pending.answer
        except asyncio.CancelledError:
            self.abandon(pending)
            raise
        finally:
            self._calls.pop(pending.number, None)
        if frame.kind is Kind.FAILURE:
            raise replies.failure(self.host, frame.head)
        return frame

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Within it an answer is read; one that makes no sense ends the conversation.

        *Raises*: HostUnreachable.
        """
        try:
            yield
        except WireError as error:
            self._break(f"the agent broke the wire: {error}")
            raise self._lost or HostUnreachable(self.host, str(error)) from error

    def abandon(self, pending: PendingCall) -> None:
        """Tell the agent that nobody wants a call's answer any more."""
        self._calls.pop(pending.number, None)
        is_unanswered = not pending.answer.done() or pending.answer.cancelled()
        if self._lost is None and is_unanswered:
            self.send(Kind.CANCEL, pending.number)

    def send(self, kind: Kind, number: int, head: Head | None = None, body: bytes = b"") -> None:
        """Send a frame of a call."""
        self.stream.write(self._protocol.message(kind, number, head, body))

    def _hand_on(self, frame: Frame) -> None:
        pending = self._calls.get(frame.id)
        if pending is not None:
            pending.take(frame, self.limits.output_limit_bytes)

    def _open(self, greeting: Greeting) -> None:
        self.greeting = greeting
        self._schedule_ping()

    def _break(self, reason: str) -> None:
        self.lose(HostUnreachable(self.host, reason, transcript=self.transcript()))
        self.news.set()
        self.stream.finish_input()

    def transcript(self) -> str:
        """Give what the way to the host printed, for people."""
        return (self.words or self.noise).decode(errors="replace").strip()

    def _explain_loss(self) -> None:
        words = self.words.decode(errors="replace").strip()
        self.lose(HostUnreachable(self.host, self.describe_loss(words), transcript=words))

    def _schedule_ping(self) -> None:
        seconds = self.limits.keepalive_seconds
        self._keepalive = asyncio.get_running_loop().call_later(seconds, self._ping)

    def _ping(self) -> None:
        if self.is_closed:
            return
        silence = asyncio.get_running_loop().time() - self._last_heard
        if silence > self.limits.silence_seconds:
            self._break(f"nothing came from the agent for {silence:.0f} s")
            return
        self.send(Kind.PING, 0)
        self._schedule_ping()
