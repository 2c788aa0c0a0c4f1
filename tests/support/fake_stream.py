"""A stream with nobody at the other end: a test plays the agent."""

from __future__ import annotations

from herder.session.connection import Connection, SessionLimits
from herder.wire.frames import Frame, FrameDecoder, Head, Kind, encode
from herder.wire.handshake import READY, Greeting, encode_greeting


class FakeStream:
    """Keeps what was written as frames; nothing ever waits."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.is_closed = False
        self._decoder = FrameDecoder()

    def write(self, data: bytes) -> None:
        """Keep the frames."""
        self.frames += self._decoder.feed(data)

    async def drain(self) -> None:
        """Nothing waits."""

    def finish_input(self) -> None:
        """Remember it."""
        self.is_closed = True

    def settle(self) -> None:
        """Nothing was needed only for the start."""

    async def wait_status(self, seconds: float) -> int | None:
        """It has ended well."""
        return 0

    async def close(self, seconds: float) -> None:
        """Remember it."""
        self.is_closed = True


def greeted_connection(
    *, cached: int = 0, limits: SessionLimits | None = None
) -> tuple[Connection, FakeStream]:
    """Give an open connection and the stream under it."""
    connection, stream = Connection("web1", limits or SessionLimits()), FakeStream()
    connection.attach(stream)
    greeting = Greeting("/usr/bin/python3", (3, 11, 2), "root", 0, "/root", "Linux", 42, cached)
    connection.bytes_received(READY + encode_greeting(greeting))
    return connection, stream


def say(
    connection: Connection, kind: Kind, number: int, head: Head | None = None, body: bytes = b""
) -> None:
    """Let the agent send a frame."""
    connection.bytes_received(encode(kind, number, head, body))
