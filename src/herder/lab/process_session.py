"""One command or shell that an ssh client runs on a process server; its bytes go through as is."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import signal
import struct
import termios
from dataclasses import dataclass, field

import asyncssh

from herder.lab.descriptors import read_some, write_all
from herder.lab.process_home import Home


@dataclass(frozen=True, slots=True)
class _Ends:
    """Our ends of the command's standard streams; on a terminal all output is one."""

    stdin: int
    outputs: tuple[int, ...]


@dataclass(slots=True, eq=False)
class ProcessSession:
    """Runs what the client asks for until it ends or the client goes."""

    process: asyncssh.SSHServerProcess[bytes]
    home: Home
    child: asyncio.subprocess.Process | None = field(default=None, init=False)
    terminal: int | None = field(default=None, init=False)

    async def run(self) -> None:
        """Start the command, carry bytes both ways, and pass its exit status on."""
        on_terminal = self.process.term_type is not None
        ends = await (self._start_on_terminal() if on_terminal else self._start_on_pipes())
        try:
            await self._carry_until_the_end(ends)
        finally:
            self.terminal = None
            for descriptor in ends.outputs:
                os.close(descriptor)
        await self._pass_exit_on()

    def kill(self) -> None:
        """End the command with all that is in its process group."""
        self._signal(signal.SIGKILL)

    async def _start_on_pipes(self) -> _Ends:
        child_in, ours_in = os.pipe()
        ours_out, child_out = os.pipe()
        ours_err, child_err = os.pipe()
        await self._start(child_in, child_out, child_err)
        for descriptor in (ours_in, ours_out, ours_err):
            os.set_blocking(descriptor, False)
        return _Ends(ours_in, (ours_out, ours_err))

    async def _start_on_terminal(self) -> _Ends:
        self.terminal, child_end = pty.openpty()
        self._set_size(self.process.term_size)
        await self._start(child_end, child_end, child_end)
        os.set_blocking(self.terminal, False)
        return _Ends(os.dup(self.terminal), (self.terminal,))

    async def _start(self, stdin: int, stdout: int, stderr: int) -> None:
        """Start the command on these descriptors, which are then closed on our side."""
        command = self.process.command
        words = [self.home.shell, "-c", command] if command else [self.home.shell, "-i"]
        environment = self.home.environment(self.process.env)
        if self.terminal is not None:
            environment["TERM"] = self.process.term_type or "dumb"
        try:
            self.child = await asyncio.create_subprocess_exec(
                *words,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                cwd=self.home.path,
                env=environment,
                start_new_session=True,
                preexec_fn=_take_terminal if self.terminal is not None else None,
            )
        finally:
            for descriptor in {stdin, stdout, stderr}:
                os.close(descriptor)

    async def _carry_until_the_end(self, ends: _Ends) -> None:
        """Carry bytes until the command has closed its outputs or the client has gone."""
        writers = (self.process.stdout, self.process.stderr)
        async with asyncio.TaskGroup() as group:
            carrying = [
                group.create_task(_carry(descriptor, writer))
                for descriptor, writer in zip(ends.outputs, writers, strict=False)
            ]
            feeding = group.create_task(self._feed(ends.stdin))
            feeding.add_done_callback(lambda _: os.close(ends.stdin))
            gone = group.create_task(self.process.channel.wait_closed())
            gone.add_done_callback(lambda _: [task.cancel() for task in carrying])
            await asyncio.wait(carrying)
            feeding.cancel()
            gone.cancel()

    async def _feed(self, descriptor: int) -> None:
        """Carry what the client sends to the command until either has enough of it."""
        with contextlib.suppress(OSError, asyncssh.Error):
            while data := await self._next_input():
                await write_all(descriptor, data)

    async def _next_input(self) -> bytes:
        while True:
            try:
                return await self.process.stdin.read(65536)
            except asyncssh.TerminalSizeChanged as changed:
                self._set_size(changed.term_size)
            except asyncssh.SignalReceived as received:
                self._signal(getattr(signal, f"SIG{received.signal}", signal.SIGTERM))
            except asyncssh.BreakReceived:
                self._signal(signal.SIGINT)

    async def _pass_exit_on(self) -> None:
        assert self.child is not None  # _start has returned
        status = await self.child.wait()
        with contextlib.suppress(OSError):  # the client may have gone
            if status < 0:
                self.process.exit_with_signal(signal.Signals(-status).name.removeprefix("SIG"))
            else:
                self.process.exit(status)

    def _signal(self, number: signal.Signals) -> None:
        if self.child is not None and self.child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.child.pid, number)

    def _set_size(self, size: tuple[int, int, int, int]) -> None:
        if self.terminal is not None:
            columns, rows, width, height = size
            packed = struct.pack("HHHH", rows, columns, width, height)
            fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, packed)


async def _carry(descriptor: int, writer: asyncssh.SSHWriter[bytes]) -> None:
    """Carry what the command writes to the client until it closes, or the client has gone."""
    with contextlib.suppress(OSError, asyncssh.Error):
        while data := await read_some(descriptor):
            writer.write(data)
            await writer.drain()


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
