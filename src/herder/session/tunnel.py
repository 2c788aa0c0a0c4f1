"""A stream through another session: how a second agent, started by become, is reached."""

from __future__ import annotations

import asyncio
import contextlib

from herder.errors import HerderError
from herder.session.connection import Connection
from herder.session.replies import whole
from herder.transport.stream import Receiver
from herder.wire.frames import Frame, Kind
from herder.wire.messages import OpenProcess


class TunnelStream:
    """A program that the login session's agent runs and whose bytes it relays."""

    def __init__(self, carrier: Connection, receiver: Receiver) -> None:
        self._carrier = carrier
        self._receiver = receiver
        self._pending = carrier.new_call()
        self._pending.on_output = self._take
        self._pending.answer.add_done_callback(lambda _: receiver.stream_closed())

    def start(self, operation: OpenProcess) -> None:
        """Have the program started.

        *Raises*: HostUnreachable when the carrier is gone.
        """
        self._carrier.make(operation, b"", self._pending)

    def write(self, data: bytes) -> None:
        """Send bytes to the program."""
        if not self._is_over:
            self._carrier.send(Kind.DATA, self._pending.number, None, data)

    async def drain(self) -> None:
        """Wait until little waits to be sent."""
        await self._carrier.stream.drain()

    def finish_input(self) -> None:
        """Close the program's standard input."""
        if not self._is_over:
            self._carrier.send(Kind.END, self._pending.number)

    def settle(self) -> None:
        """Nothing was needed only for the start."""

    async def wait_status(self, seconds: float) -> int | None:
        """Give the exit status, None when it has not ended in this time or cannot be known."""
        with contextlib.suppress(TimeoutError, HerderError):
            async with asyncio.timeout(seconds):
                frame = await asyncio.shield(self._pending.answer)
            if frame.kind is Kind.REPLY:
                return whole(frame.head, "status")
        return None

    async def close(self, seconds: float) -> None:
        """End the program: end of input, then the agent ends it by force."""
        self.finish_input()
        if await self.wait_status(seconds) is None:
            self._carrier.abandon(self._pending)

    @property
    def _is_over(self) -> bool:
        return self._pending.answer.done() or self._carrier.is_closed

    def _take(self, frame: Frame) -> None:
        if frame.head.get("stream") == "stderr":
            self._receiver.words_received(frame.body)
        else:
            self._receiver.bytes_received(frame.body)
