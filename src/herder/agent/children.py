"""A child whose output is caught: when it is done, too long, too loud, or to be ended."""

from __future__ import annotations

import os

from herder.agent.loop import READ, WRITE, Loop, Timer
from herder.agent.suppress import suppress
from herder.wire.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from typing import Callable, Dict, List, Optional
else:
    import _signal as signal

READ_BYTES = 64 * 1024
KILL_AFTER_SECONDS = 2.0
HEIRS_FACTOR = 10


class Outcome(Record):
    """How a child ended; `problem` is '' or why its output does not count."""

    status: int
    stdout: bytes
    stderr: bytes
    problem: str = ""


class Limits(Record):
    """*Units*: bytes of all output, seconds (0: no limit), seconds to wait for silent heirs.

    With `are_heirs_heard` heirs that go on to write are read as long as they do.
    """

    output_bytes: int
    timeout_seconds: float
    grace_seconds: float
    are_heirs_heard: bool = False


class Pipes(Record):
    """Our ends: what the child writes, and where its standard input is fed (None: nowhere)."""

    stdout: int
    stderr: int
    stdin: Optional[int] = None


def kill_group(process_id: int, number: int) -> None:
    """Signal a child's whole process group; well when it is gone."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process_id, number)


class Child:
    """Feeds and drains one child (leader of its own process group), then says how it ended.

    A daemon that the child left behind may keep the pipes open for ever: once the child is gone,
    only `grace_seconds` without new output are waited for it, and ten times that in all.
    """

    def __init__(
        self,
        loop: Loop,
        process_id: int,
        pipes: Pipes,
        limits: Limits,
        on_done: Callable[[Outcome], None],
    ) -> None:
        self.process_id = process_id
        self._loop = loop
        self._limits = limits
        self._on_done = on_done
        self._parts: Dict[int, List[bytes]] = {pipes.stdout: [], pipes.stderr: []}
        self._names = (pipes.stdout, pipes.stderr)
        self._open = set(self._names)
        self._size = 0
        self._status: Optional[int] = None
        self._problem = ""
        self._timers: List[Timer] = []
        self._grace: Optional[Timer] = None
        self._stdin = pipes.stdin
        self._input = memoryview(b"")
        self._start()

    def feed(self, content: bytes) -> None:
        """Give the child its standard input, all of it."""
        self._input = memoryview(content)
        if self._stdin is not None:
            os.set_blocking(self._stdin, False)
            self._loop.watch(self._stdin, WRITE, self._write)

    def end(self, problem: str) -> None:
        """End the child's process group: politely, then not."""
        self._problem = self._problem or problem
        kill_group(self.process_id, signal.SIGTERM)
        self._later(KILL_AFTER_SECONDS, self._kill)

    def kill(self) -> None:
        """End the child's process group at once."""
        kill_group(self.process_id, signal.SIGKILL)

    def _start(self) -> None:
        for descriptor in self._names:
            os.set_blocking(descriptor, False)
            self._watch(descriptor)
        self._loop.on_exit(self.process_id, self._ended)
        if self._limits.timeout_seconds:
            seconds = self._limits.timeout_seconds
            self._later(seconds, lambda: self.end(f"timed out after {seconds:g} s"))

    def _watch(self, descriptor: int) -> None:
        self._loop.watch(descriptor, READ, lambda: self._read(descriptor))

    def _later(self, seconds: float, callback: Callable[[], None]) -> None:
        self._timers.append(self._loop.later(seconds, callback))

    def _kill(self) -> None:
        kill_group(self.process_id, signal.SIGKILL)
        self._later(self._limits.grace_seconds, self._give_up)

    def _give_up(self) -> None:
        if self._status is not None:
            self._finish()

    def _read(self, descriptor: int) -> None:
        try:
            chunk = os.read(descriptor, READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        if not chunk:
            self._close(descriptor)
            self._finish_when_whole()
            return
        self._take(descriptor, chunk)

    def _take(self, descriptor: int, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size > self._limits.output_bytes:
            if not self._problem:
                self._parts = {each: [] for each in self._names}
                self.end(f"more output than the limit of {self._limits.output_bytes} bytes")
            return
        self._parts[descriptor].append(chunk)
        if self._grace is not None:
            self._wait_for_heirs()

    def _write(self) -> None:
        assert self._stdin is not None
        try:
            sent = os.write(self._stdin, self._input[:READ_BYTES]) if self._input else 0
        except BlockingIOError:
            return
        except OSError:
            sent = len(self._input)
        self._input = self._input[sent:]
        if not self._input:
            self._close_input()

    def _close_input(self) -> None:
        if self._stdin is not None:
            self._loop.forget(self._stdin)
            os.close(self._stdin)
            self._stdin = None

    def _ended(self, status: int) -> None:
        self._status = status
        self._close_input()
        if self._open:
            self._wait_for_heirs()
        self._finish_when_whole()

    def _wait_for_heirs(self) -> None:
        if self._grace is None and not self._limits.are_heirs_heard:
            self._later(HEIRS_FACTOR * self._limits.grace_seconds, self._finish)
        elif self._grace is not None:
            self._grace.cancel()
        self._grace = self._loop.later(self._limits.grace_seconds, self._finish)

    def _close(self, descriptor: int) -> None:
        if descriptor in self._open:
            self._open.discard(descriptor)
            self._loop.forget(descriptor)
            os.close(descriptor)

    def _finish_when_whole(self) -> None:
        if self._status is not None and not self._open:
            self._finish()

    def _finish(self) -> None:
        for timer in (*self._timers, *([self._grace] if self._grace else [])):
            timer.cancel()
        for descriptor in self._names:
            self._close(descriptor)
        stdout, stderr = (b"".join(self._parts[each]) for each in self._names)
        on_done, self._on_done = self._on_done, lambda outcome: None
        on_done(Outcome(self._status or 0, stdout, stderr, self._problem))
