"""A local program (ssh, a shell, docker exec) as a stream: one socket for both directions.

One socket instead of two pipes halves the open files of a run on a thousand hosts. The program
has a session of its own, so that Ctrl-C at the terminal reaches only us.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import resource
import signal
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from herder.model.secret import Secret
from herder.transport.askpass import PasswordPipe
from herder.transport.stream import Receiver

_FIRST_POLL_SECONDS = 0.002
_LONGEST_POLL_SECONDS = 0.05
_TERMINATE_SECONDS = 1.0
_SEND_BYTES = 1024 * 1024
"""Room for a whole block of a large file, as far as the system gives it."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to start on this machine; `environment` is added to ours, `password` is for askpass."""

    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    password: Secret | None = None


class ProcessStream(asyncio.Protocol):
    """A running program; made by `start_process`."""

    def __init__(
        self, process: subprocess.Popen[bytes], receiver: Receiver, settle: Callable[[], None]
    ) -> None:
        self._process = process
        self._settle = settle
        self._receiver = receiver
        self._transport: asyncio.Transport | None = None
        self._words: asyncio.ReadTransport | None = None
        self._room: asyncio.Future[None] | None = None
        self._is_closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is ours (asyncio's word)."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Bytes have come (asyncio's word)."""
        self._receiver.bytes_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """The program closed its output (asyncio's word)."""
        self._is_closed = True
        self.resume_writing()
        self._receiver.stream_closed()

    def pause_writing(self) -> None:
        """Too much waits to be sent (asyncio's word)."""
        if self._room is None:
            self._room = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        """There is room again (asyncio's word)."""
        room, self._room = self._room, None
        if room is not None and not room.done():
            room.set_result(None)

    def words_from(self, transport: asyncio.ReadTransport) -> None:
        """Keep the pipe that standard error comes through."""
        self._words = transport

    def write(self, data: bytes) -> None:
        """Send bytes to the program."""
        if self._transport is not None and not self._is_closed:
            # of a view, asyncio does not copy what could not be sent at once before it keeps it
            self._transport.write(memoryview(data))

    async def drain(self) -> None:
        """Wait until little waits to be sent."""
        if self._room is not None:
            await asyncio.shield(self._room)

    def finish_input(self) -> None:
        """Close the program's standard input."""
        if self._transport is not None and not self._is_closed:
            with contextlib.suppress(OSError):
                self._transport.write_eof()

    def settle(self) -> None:
        """Forget the password."""
        self._settle()

    async def wait_status(self, seconds: float) -> int | None:
        """Give the exit status, None when it has not ended in this time."""
        deadline = asyncio.get_running_loop().time() + seconds
        pause = _FIRST_POLL_SECONDS
        while (status := self._process.poll()) is None:
            if asyncio.get_running_loop().time() >= deadline:
                return None
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_POLL_SECONDS)
        return status if status >= 0 else 128 - status

    async def close(self, seconds: float) -> None:
        """End the program and give up its pipes."""
        self._settle()
        self.finish_input()
        for wait, number in ((seconds, signal.SIGTERM), (_TERMINATE_SECONDS, signal.SIGKILL)):
            if await self.wait_status(wait) is not None:
                break
            self._signal(number)
        await self.wait_status(_TERMINATE_SECONDS)
        for transport in (self._transport, self._words):
            if transport is not None:
                transport.close()

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


class _Words(asyncio.Protocol):
    """Standard error, handed on as it comes."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    def data_received(self, data: bytes) -> None:
        self._receiver.words_received(data)


def reserve_files(count: int) -> None:
    """Let this process open so many files, as far as the system lets us; it starts with few."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= count:
        return
    wanted = 2 * count if hard == resource.RLIM_INFINITY else min(hard, 2 * count)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def start_process(program: Program, receiver: Receiver) -> ProcessStream:
    """Start a program whose standard input and output are one socket.

    *Raises*: OSError when it cannot be started.
    """
    loop = asyncio.get_running_loop()
    pipe = await _password_pipe(program.password) if program.password is not None else None
    environment = {**os.environ, **program.environment, **(pipe.environment if pipe else {})}
    forget = functools.partial(_forget, pipe)
    try:
        process, ours = _spawn(program.argv, environment)
    except BaseException:
        forget()
        raise
    stream = ProcessStream(process, receiver, forget)
    try:
        await loop.create_connection(lambda: stream, sock=ours)
        words, _ = await loop.connect_read_pipe(lambda: _Words(receiver), process.stderr)
    except BaseException:
        ours.close()
        await asyncio.shield(stream.close(0.0))
        raise
    stream.words_from(words)
    return stream


async def _password_pipe(password: Secret) -> PasswordPipe:
    making = asyncio.ensure_future(asyncio.to_thread(PasswordPipe, password))
    try:
        return await asyncio.shield(making)
    except asyncio.CancelledError:
        making.add_done_callback(lambda made: _forget(made.result()))
        raise


def _forget(pipe: PasswordPipe | None) -> None:
    if pipe is not None:
        asyncio.get_running_loop().run_in_executor(None, pipe.remove)


def _spawn(
    argv: Sequence[str], environment: Mapping[str, str]
) -> tuple[subprocess.Popen[bytes], socket.socket]:
    ours, theirs = socket.socketpair()
    ours.settimeout(0)
    with contextlib.suppress(OSError):
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BYTES)
    try:
        with theirs:
            return _started(argv, environment, theirs), ours
    except BaseException:
        ours.close()
        raise


def _started(
    argv: Sequence[str], environment: Mapping[str, str], end: socket.socket
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        argv,
        stdin=end.fileno(),
        stdout=end.fileno(),
        stderr=subprocess.PIPE,
        env=environment,
        start_new_session=True,
    )
