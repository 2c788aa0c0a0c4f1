"""Files of this machine on their way to several hosts: each block is read and packed once for all.

Hosts that are sent the same file go through it side by side; the last blocks are kept for those a
little behind. One that is far behind reads for itself again.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from pathlib import Path
from typing import NamedTuple

from herder.wire.frames import pack
from herder.wire.messages import INLINE_BYTES

BLOCK_BYTES = 1024 * 1024
KEPT_BLOCKS = 16

_Key = tuple[int, ...]


class Block(NamedTuple):
    """Content as it is sent as DATA.

    *Shapes*: `packing` is what packing adds to the frame's kind, `size` how many bytes the body has
    when unpacked; `short` is the content itself when it is short enough for the call's own frame.
    """

    packing: int
    body: bytes
    size: int
    short: bytes = b""


NOTHING = Block(0, b"", 0)


class OutgoingFiles:
    """Gives files in blocks; keeps the last ones while a file is under way to anybody."""

    def __init__(self) -> None:
        self._blocks: dict[_Key, asyncio.Future[Block]] = {}
        self._takers = 0

    async def blocks(self, path: str) -> AsyncGenerator[Block, None]:
        """Give a file in blocks; it is read beside the loop."""
        self._takers += 1
        try:
            with await asyncio.to_thread(Path(path).open, "rb", buffering=0) as file:
                key = _identity(file.fileno())
                position = 0
                while (block := await self._block(key, file.fileno(), position)).size:
                    yield block
                    position += block.size
        finally:
            self._takers -= 1
            if not self._takers:
                self._blocks.clear()

    async def _block(self, key: _Key, descriptor: int, position: int) -> Block:
        key = *key, position
        block = self._blocks.get(key)
        if block is None:
            if len(self._blocks) >= KEPT_BLOCKS:
                del self._blocks[next(iter(self._blocks))]
            block = self._blocks[key] = _beside(_reader(descriptor, position))
        # whoever asked first may be cancelled; the others still wait for it
        return await asyncio.shield(block)


async def blocks_of_bytes(content: bytes) -> AsyncIterator[Block]:
    """Give content in blocks."""
    for start in range(0, len(content), BLOCK_BYTES):
        # packing a block may take milliseconds that other hosts would wait for
        yield await asyncio.to_thread(_block, content[start : start + BLOCK_BYTES])


def _beside(work: Callable[[], Block]) -> asyncio.Future[Block]:
    done = asyncio.get_running_loop().run_in_executor(None, work)
    # perhaps nobody waits for it any more: then its error is not an error of its own
    done.add_done_callback(lambda each: each.cancelled() or each.exception())
    return done


def _reader(descriptor: int, position: int) -> Callable[[], Block]:
    # a descriptor of its own: the taker's may be closed, and its number given out, meanwhile
    own = os.dup(descriptor)

    def read() -> Block:
        try:
            return _block(os.pread(own, BLOCK_BYTES, position))
        finally:
            os.close(own)

    return read


def _block(content: bytes) -> Block:
    if len(content) <= INLINE_BYTES:
        return Block(*pack(content), len(content), content)
    return Block(*pack(content), len(content))


def _identity(descriptor: int) -> _Key:
    status = os.fstat(descriptor)
    times = status.st_mtime_ns, status.st_ctime_ns
    return status.st_dev, status.st_ino, status.st_size, *times
