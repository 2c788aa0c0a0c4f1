"""Large files in both directions: in blocks, never whole in memory, at the pace of the taker."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import BinaryIO

from herder.session.connection import Connection, PendingCall
from herder.wire.frames import CHUNK_BYTES, Frame, Kind, encode
from herder.wire.messages import INLINE_BYTES, WINDOW_BYTES, FetchFile, PutFile

_BLOCK_BYTES = 4 * CHUNK_BYTES


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


async def blocks_of_bytes(content: bytes) -> AsyncIterator[bytes]:
    """Give content in blocks."""
    for start in range(0, len(content), _BLOCK_BYTES):
        yield content[start : start + _BLOCK_BYTES]


async def blocks_of_file(path: str) -> AsyncIterator[bytes]:
    """Give a file of this machine in blocks; it is read beside the loop."""
    with await asyncio.to_thread(Path(path).open, "rb") as file:
        while block := await asyncio.to_thread(file.read, _BLOCK_BYTES):
            yield block


async def put(connection: Connection, blocks: AsyncIterator[bytes], path: str, mode: int) -> None:
    """Send blocks as one file; a short one goes as one frame."""
    first = await anext(blocks, b"")
    pending = connection.new_call()
    if len(first) <= INLINE_BYTES:
        connection.make(PutFile(path, mode), first, pending)
        await connection.answer(pending)
        return
    connection.make(PutFile(path, mode, is_streamed=True), b"", pending)
    try:
        await _send_blocks(connection, pending, first, blocks)
    except BaseException:
        connection.abandon(pending)
        raise
    await connection.answer(pending)


async def _send_blocks(
    connection: Connection, pending: PendingCall, first: bytes, blocks: AsyncIterator[bytes]
) -> None:
    window = Window(WINDOW_BYTES)
    pending.on_grant = window.grant
    block = first
    while block:
        if not await window.take(len(block), pending.answer):
            return
        # packing a block may take milliseconds that other hosts would wait for
        data = await asyncio.to_thread(encode, Kind.DATA, pending.number, None, block)
        connection.stream.write(data)
        await connection.stream.drain()
        block = await anext(blocks, b"")
    connection.send(Kind.END, pending.number)


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
