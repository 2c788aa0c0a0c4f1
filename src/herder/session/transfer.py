"""Large files in both directions: in blocks, never whole in memory, at the pace of the taker."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from herder.session.connection import Connection, PendingCall
from herder.session.outgoing import NOTHING, Block
from herder.wire.frames import Frame, Kind, data_header
from herder.wire.messages import INLINE_BYTES, WINDOW_BYTES, FetchFile, PutFile

Digests = Callable[[], Mapping[str, str]]
"""Gives what a file's content hashes to, hex by algorithm."""


class Window:
    """How many bytes may still be under way to the other side."""

    def __init__(self, size: int) -> None:
        self._free = size
        self._changed = asyncio.Event()

    def grant(self, size: int) -> None:
        """The other side has dealt with so many bytes."""
        self._free += size
        self._changed.set()

    async def take(self, size: int, until: asyncio.Future[Frame]) -> bool:
        """Wait until so many bytes may go; False when the call has been answered instead."""
        while self._free < size and not until.done():
            self._changed.clear()
            until.add_done_callback(lambda _: self._changed.set())
            await self._changed.wait()
        self._free -= size
        return not until.done()


async def put(
    connection: Connection,
    blocks: AsyncIterator[Block],
    call: PutFile,
    digests: Digests | None = None,
) -> None:
    """Send blocks as one file; a short one goes as one frame.

    `digests` gives what the content hashes to here; it is asked beside the loop, while blocks go.
    """
    first = await anext(blocks, None) or NOTHING
    pending = connection.new_call()
    if first.size <= INLINE_BYTES:
        connection.make(call, first.short, pending)
        await connection.answer(pending)
        return
    hashed = asyncio.get_running_loop().run_in_executor(None, digests) if digests else None
    is_hashed = hashed is not None
    connection.make(call._replace(is_streamed=True, is_hashed=is_hashed), b"", pending)
    try:
        if await _have_sent(connection, pending, first, blocks):
            if hashed is not None:
                found = await asyncio.shield(hashed)
                connection.send(Kind.SUPPLY, pending.number, {"digests": dict(found)})
            connection.send(Kind.END, pending.number)
    except BaseException:
        connection.abandon(pending)
        raise
    await connection.answer(pending)


async def _have_sent(
    connection: Connection, pending: PendingCall, first: Block, blocks: AsyncIterator[Block]
) -> bool:
    """Send them all; False when the call was answered before, because it could not be done."""
    window = Window(WINDOW_BYTES)
    pending.on_grant = window.grant
    block: Block | None = first
    while block is not None:
        if not await window.take(block.size, pending.answer):
            return False
        connection.stream.write(data_header(pending.number, block.packing, len(block.body)))
        connection.stream.write(block.body)
        await connection.stream.drain()
        block = await anext(blocks, None)
    return True


async def fetch(connection: Connection, path: str, destination: str) -> None:
    """Bring a file here under a temporary name, then rename it."""
    pending = connection.new_call()
    arrived: asyncio.Queue[bytes] = asyncio.Queue(maxsize=2 * WINDOW_BYTES // 1024)
    pending.on_output = lambda frame: arrived.put_nowait(frame.body)
    with _whole_file(destination) as file:
        connection.make(FetchFile(path), b"", pending)
        pending.answer.add_done_callback(lambda _: arrived.put_nowait(b""))
        try:
            while block := await arrived.get():
                await asyncio.to_thread(file.write, block)
                if not pending.answer.done():
                    connection.send(Kind.CREDIT, pending.number, {"bytes": len(block)})
        except BaseException:
            connection.abandon(pending)
            raise
        await connection.answer(pending)


@contextlib.contextmanager
def _whole_file(destination: str) -> Iterator[BinaryIO]:
    descriptor, temporary = tempfile.mkstemp(dir=Path(destination).parent, prefix=".herder-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
        Path(temporary).rename(destination)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
