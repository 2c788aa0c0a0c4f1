"""A started program whose bytes are relayed: the way of a second agent, through become."""

from __future__ import annotations

import contextlib
import functools
import os
import pty
import signal
import subprocess
import tty
from typing import Callable, List, Optional

from herder.agent.children import kill_group
from herder.agent.loop import READ, WRITE, Loop, Timer
from herder.wire.messages import OpenProcess

_READ_BYTES = 128 * 1024
_LINGER_SECONDS = 1.0


class Tunnel:
    """Bytes to and from a program; `on_output(stream, bytes)`, then `on_end(status)` once."""

    def __init__(
        self,
        loop: Loop,
        call: OpenProcess,
        on_output: Callable[[str, bytes], None],
        on_end: Callable[[int], None],
    ) -> None:
        self._loop = loop
        self._on_output = on_output
        self._on_end = on_end
        self._pending = bytearray()
        self._is_closing = False
        self._status: Optional[int] = None
        self._outputs: List[int] = []
        self._input: Optional[int] = None
        self._linger: Optional[Timer] = None
        self._is_terminal = call.needs_tty
        self.process_id = self._start(call)
        for descriptor in self._outputs:
            os.set_blocking(descriptor, False)
        loop.on_exit(self.process_id, self._ended)
        self._watch_outputs()

    def write(self, content: bytes) -> None:
        """Send bytes to the program."""
        if self._input is not None:
            self._pending += content
            self._flush()

    def close(self) -> None:
        """Send the end of input once all is written."""
        self._is_closing = True
        self._flush()

    def kill(self, number: int) -> None:
        """Signal the program's process group, as far as we may."""
        if self._status is None:
            kill_group(self.process_id, number)

    def _start(self, call: OpenProcess) -> int:
        if call.needs_tty:
            return self._start_on_tty(call)
        program = subprocess.Popen(
            [call.executable, "-c", call.shell_line],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        assert program.stdin is not None
        assert program.stdout is not None
        assert program.stderr is not None
        self._input = os.dup(program.stdin.fileno())
        self._outputs = [os.dup(program.stdout.fileno()), os.dup(program.stderr.fileno())]
        for stream in (program.stdin, program.stdout, program.stderr):
            stream.close()
        os.set_blocking(self._input, False)
        program.returncode = 0
        return program.pid

    def _start_on_tty(self, call: OpenProcess) -> int:
        process_id, master = pty.fork()
        if process_id == 0:
            try:
                tty.setraw(0)
                for number in (signal.SIGPIPE, signal.SIGXFSZ):
                    signal.signal(number, signal.SIG_DFL)
                os.closerange(3, 4096)
                os.execv(call.executable, [call.executable, "-c", call.shell_line])
            finally:
                os._exit(127)
        self._input = os.dup(master)
        self._outputs = [master]
        os.set_blocking(self._input, False)
        return process_id

    def _watch_outputs(self) -> None:
        for number, descriptor in enumerate(self._outputs):
            name = "stderr" if number else "stdout"
            self._loop.watch(descriptor, READ, functools.partial(self._read, descriptor, name))

    def _read(self, descriptor: int, name: str) -> None:
        try:
            chunk = os.read(descriptor, _READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        if chunk:
            self._on_output(name, chunk)
            return
        self._drop(descriptor)
        self._end_when_whole()

    def _flush(self) -> None:
        if self._input is None:
            return
        while self._pending:
            try:
                sent = os.write(self._input, self._pending)
            except BlockingIOError:
                self._loop.watch(self._input, WRITE, self._flush)
                return
            except OSError:
                sent = len(self._pending)
            del self._pending[:sent]
        self._loop.forget(self._input)
        if self._is_closing:
            os.close(self._input)
            self._input = None
            self._hang_up()

    def _hang_up(self) -> None:
        # a terminal has no end of input; without its master the program is told so by SIGHUP
        if self._is_terminal:
            for descriptor in tuple(self._outputs):
                self._drop(descriptor)

    def _drop(self, descriptor: int) -> None:
        if descriptor in self._outputs:
            self._outputs.remove(descriptor)
            self._loop.forget(descriptor)
            with contextlib.suppress(OSError):
                os.close(descriptor)

    def _ended(self, status: int) -> None:
        self._status = status
        self._linger = self._loop.later(_LINGER_SECONDS, self._finish)
        self._end_when_whole()

    def _end_when_whole(self) -> None:
        if self._status is not None and not self._outputs:
            self._finish()

    def _finish(self) -> None:
        if self._linger is not None:
            self._linger.cancel()
        for descriptor in tuple(self._outputs):
            self._drop(descriptor)
        self._pending.clear()
        self.close()
        on_end, self._on_end = self._on_end, lambda status: None
        on_end(self._status or 0)
