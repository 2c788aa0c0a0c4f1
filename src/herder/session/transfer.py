"""Large files in both directions: in blocks, never whole in memory, at the pace of the taker."""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from herder.session import replies
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


async def fetch(
    connection: Connection, path: str, destination: str, *, keeps_mode: bool = False
) -> None:
    """Bring a file here under a temporary name, then rename it.

    A file that is there keeps its owner and mode. A new one is made as the umask says, with the
    mode that it has on the host where that is to be kept.

    *Source*: OpenSSH sftp-client.c `sftp_download`: what is fetched may be written by its owner.
    """
    pending = connection.new_call()
    arrived: asyncio.Queue[bytes] = asyncio.Queue(maxsize=2 * WINDOW_BYTES // 1024)
    pending.on_output = lambda frame: arrived.put_nowait(frame.body)
    with _whole_file(destination) as whole_file:
        file = whole_file.file
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
        frame = await connection.answer(pending)
        with connection.reading():
            mode = replies.whole(frame.head, "mode")
        whole_file.become_like(destination, (mode | stat.S_IWUSR) if keeps_mode else 0o666)


@dataclass(frozen=True)
class _WholeFile:
    """A file that is private until it is whole; `allowed` is what the umask leaves of a mode."""

    file: BinaryIO
    allowed: int

    def become_like(self, path: str, mode: int) -> None:
        """Take on the owner and mode of what is at a path, or this mode where nothing is."""
        descriptor = self.file.fileno()
        try:
            there = Path(path).stat()
        except OSError:
            os.fchmod(descriptor, mode & self.allowed)
            return
        with contextlib.suppress(PermissionError):
            os.fchown(descriptor, there.st_uid, there.st_gid)
        os.fchmod(descriptor, stat.S_IMODE(there.st_mode))


@contextlib.contextmanager
def _whole_file(destination: str) -> Iterator[_WholeFile]:
    # what a link leads to is written, and the link stays
    place = Path(destination).resolve()
    temporary = place.with_name(f".herder-{os.urandom(8).hex()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o777)
    try:
        # asking for the umask would change it for all threads
        allowed = stat.S_IMODE(os.fstat(descriptor).st_mode)
        os.fchmod(descriptor, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            yield _WholeFile(file, allowed)
        temporary.rename(place)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
