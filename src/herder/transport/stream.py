"""What a session needs of a way to a host: bytes there, bytes back, a word from the way itself."""

from __future__ import annotations

from typing import Protocol


class Receiver(Protocol):
    """Who gets the bytes; called on the loop, must not block."""

    def bytes_received(self, data: bytes) -> None: ...

    def words_received(self, data: bytes) -> None:
        """Standard error: what the way or the far side says to a person."""

    def stream_closed(self) -> None:
        """Nothing more will come; called once."""


class Stream(Protocol):
    """A program on the host, seen through two pipes."""

    def write(self, data: bytes) -> None:
        """Send bytes; they wait here when the way is slow, so *then*: `drain`."""

    async def drain(self) -> None:
        """Wait until little waits to be sent; returns at once when the stream is closed."""

    def finish_input(self) -> None:
        """Say that no more bytes will come."""

    async def wait_status(self, seconds: float) -> int | None:
        """Give the exit status, None when it has not ended in this time."""

    def settle(self) -> None:
        """The far side has answered: what was only needed for the start can go."""

    async def close(self, seconds: float) -> None:
        """End the program: end of input, then after `seconds` by force; safe to call twice."""
