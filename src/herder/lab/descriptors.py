"""Reads and writes pipes and terminals on the event loop, without a thread or a buffer between."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

_CHUNK_BYTES = 65536


async def read_some(descriptor: int) -> bytes:
    """Give the next bytes of a non-blocking descriptor, b'' at its end."""
    while True:
        try:
            return os.read(descriptor, _CHUNK_BYTES)
        except BlockingIOError:
            loop = asyncio.get_running_loop()
            await _ready(descriptor, loop.add_reader, loop.remove_reader)
        except OSError:  # a terminal whose last program has ended says EIO in place of an end
            return b""


async def write_all(descriptor: int, data: bytes) -> None:
    """Write all of the bytes to a non-blocking descriptor. *Raises*: OSError, nobody reads."""
    left = memoryview(data)
    while left:
        try:
            left = left[os.write(descriptor, left) :]
        except BlockingIOError:
            loop = asyncio.get_running_loop()
            await _ready(descriptor, loop.add_writer, loop.remove_writer)


async def _ready(
    descriptor: int,
    add: Callable[[int, Callable[[], None]], None],
    remove: Callable[[int], bool],
) -> None:
    happened = asyncio.Event()
    add(descriptor, happened.set)
    try:
        await happened.wait()
    finally:
        remove(descriptor)
