"""The controller's side of one conversation, without I/O: bytes in, events out.

States: STARTING (noise, then the first stage's ready marker), READY (it waits for the agent),
OPEN (the agent has greeted), CLOSED.
Laws: what comes before the greeting is never taken for a frame; every reply belongs to a call that
was made and not yet answered; whoever breaks the wire closes the conversation.

| state    | ready marker | greeting | frame of a known call | anything else    |
|----------|--------------|----------|-----------------------|------------------|
| STARTING | READY        | OPEN     |                       | kept as noise    |
| READY    |              | OPEN     |                       | kept as noise    |
| OPEN     |              |          | handed on             | CLOSED (WireError) |
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from enum import Enum

from herder.wire.frames import Frame, FrameDecoder, Head, Kind, WireError, encode
from herder.wire.handshake import READY, Greeting, find_greeting
from herder.wire.messages import Operation, to_head

NOISE_LIMIT_BYTES = 1024 * 1024
_ENDS = (Kind.REPLY, Kind.FAILURE)
_FROM_AGENT = (*_ENDS, Kind.NEEDS, Kind.OUTPUT, Kind.GRANT)


class State(Enum):
    """Where the conversation stands."""

    STARTING = "starting"
    READY = "ready"
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class StageReady:
    """The first stage runs and waits for the agent's bytes."""


@dataclass(frozen=True, slots=True)
class AgentGreeted:
    """The agent runs; calls may be made."""

    greeting: Greeting


Event = StageReady | AgentGreeted | Frame


class SessionProtocol:
    """Which reply belongs to which call, and what stood before the conversation."""

    def __init__(self, *, body_limit: int) -> None:
        self.state = State.STARTING
        self._decoder = FrameDecoder(body_limit=body_limit)
        self._noise = bytearray()
        self._numbers = itertools.count(1)
        self._open_calls: set[int] = set()

    @property
    def noise(self) -> bytes:
        """What came that was not ours, before the greeting."""
        return bytes(self._noise)

    def receive(self, data: bytes) -> list[Event]:
        """Take bytes, give what they mean.

        *Raises*: WireError when the other side broke the wire; the state is CLOSED then.
        """
        try:
            if self.state is State.OPEN:
                return list(self._frames(data))
            return self._before_greeting(data)
        except WireError:
            self.state = State.CLOSED
            raise

    def call(self, operation: Operation, body: bytes = b"") -> tuple[int, bytes]:
        """Give a new call's number and the bytes to send for it."""
        number = next(self._numbers)
        self._open_calls.add(number)
        return number, encode(Kind.CALL, number, to_head(operation), body)

    def message(
        self, kind: Kind, number: int, head: Head | None = None, body: bytes = b""
    ) -> bytes:
        """Give the bytes of a frame that belongs to a call, or to the session (0)."""
        return encode(kind, number, head, body)

    def close(self) -> None:
        """Nothing more will be received."""
        self.state = State.CLOSED

    def _before_greeting(self, data: bytes) -> list[Event]:
        self._noise += data
        events: list[Event] = []
        if self.state is State.STARTING and READY in self._noise:
            self.state = State.READY
            events.append(StageReady())
        found = find_greeting(bytes(self._noise))
        if found is None:
            del self._noise[:-NOISE_LIMIT_BYTES]
            return events
        greeting, end = found
        rest = bytes(self._noise[end:])
        del self._noise[self._noise.find(READY) if READY in self._noise else 0 :]
        self.state = State.OPEN
        return [*events, AgentGreeted(greeting), *self._frames(rest)]

    def _frames(self, data: bytes) -> list[Frame]:
        frames = self._decoder.feed(data)
        for frame in frames:
            self._check(frame)
        return [frame for frame in frames if frame.kind is not Kind.PONG]

    def _check(self, frame: Frame) -> None:
        if frame.kind is Kind.PONG:
            return
        if frame.kind not in _FROM_AGENT:
            raise WireError(f"agent sent a frame of kind {frame.kind.name}")
        if frame.id not in self._open_calls:
            raise WireError(f"agent sent {frame.kind.name} for call {frame.id}, which is not open")
        if frame.kind in _ENDS:
            self._open_calls.discard(frame.id)
