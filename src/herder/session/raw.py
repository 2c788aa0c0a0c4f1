"""One shell line over the way itself: a process of its own, no agent."""

from __future__ import annotations

import asyncio

from herder.errors import BecomeRefused, HostUnreachable, OperationFailed
from herder.model.ports import Completed
from herder.model.route import BecomeStep, Route, SshWay
from herder.session.dialogue import BecomeDialogue, Refuse, SendPassword
from herder.transport.process import ProcessStream, Program, start_process
from herder.transport.ssh import SSH_FAILED_STATUS
from herder.transport.ways import describe_failure

_END_SECONDS = 5.0
_BECOME_SECONDS = 12.0


class _Collector:
    """Keeps all that a program says, up to a bound."""

    def __init__(self, limit_bytes: int) -> None:
        self.stdout = bytearray()
        self.stderr = bytearray()
        self.news = asyncio.Event()
        self.closed = asyncio.Event()
        self.is_over_limit = False
        self._limit_bytes = limit_bytes

    def bytes_received(self, data: bytes) -> None:
        """Keep standard output."""
        self._keep(self.stdout, data)

    def words_received(self, data: bytes) -> None:
        """Keep standard error."""
        self._keep(self.stderr, data)

    def stream_closed(self) -> None:
        """Remember that no more will come."""
        self.closed.set()
        self.news.set()

    def _keep(self, place: bytearray, data: bytes) -> None:
        if len(self.stdout) + len(self.stderr) + len(data) > self._limit_bytes:
            self.is_over_limit = True
            self.closed.set()
        else:
            place += data
        self.news.set()


async def run_line(program: Program, route: Route, stdin: bytes, limit_bytes: int) -> Completed:
    """Run a program to its end and give what it said; a become prompt of the route is answered.

    *Raises*: HostUnreachable when the way led nowhere, BecomeRefused, OperationFailed on too much
    output.
    """
    collector = _Collector(limit_bytes)
    try:
        stream = await start_process(program, collector)
    except OSError as error:
        raise HostUnreachable(route.host, f"cannot start {program.argv[0]!r}: {error}") from error
    is_over = False
    try:
        if route.become is not None and route.become.password is not None:
            await _talk(stream, collector, route, route.become)
        status = await _run(stream, collector, stdin)
        is_over = not collector.is_over_limit
    finally:
        # who gave up, or was refused, does not wait
        await asyncio.shield(stream.close(_END_SECONDS if is_over else 0.0))
    if collector.is_over_limit:
        reason = f"more output than the limit of {limit_bytes} bytes"
        raise OperationFailed(route.host, "raw", reason)
    return _completed(route, status, collector)


async def _talk(
    stream: ProcessStream, collector: _Collector, route: Route, step: BecomeStep
) -> None:
    dialogue = BecomeDialogue(step)
    seconds = step.timeout_seconds or _BECOME_SECONDS
    heard = [0, 0]
    while not collector.closed.is_set() and not _is_through(step, collector):
        try:
            async with asyncio.timeout(seconds):
                await collector.news.wait()
        except TimeoutError:
            refusal = dialogue.timed_out(seconds)
            raise BecomeRefused(route.host, step.method, refusal.reason) from None
        collector.news.clear()
        for number, said in enumerate((collector.stdout, collector.stderr)):
            new, heard[number] = bytes(said[heard[number] :]), len(said)
            action = dialogue.hear(new) if new else None
            if isinstance(action, Refuse):
                raise BecomeRefused(route.host, step.method, action.reason)
            if isinstance(action, SendPassword) and step.password is not None:
                stream.write(step.password.reveal().encode() + b"\n")


def _is_through(step: BecomeStep, collector: _Collector) -> bool:
    return step.conversation.is_success(bytes(collector.stdout))


async def _run(stream: ProcessStream, collector: _Collector, stdin: bytes) -> int | None:
    stream.write(stdin)
    await stream.drain()
    stream.finish_input()
    await collector.closed.wait()
    return None if collector.is_over_limit else await stream.wait_status(_END_SECONDS)


def _completed(route: Route, status: int | None, collector: _Collector) -> Completed:
    words = collector.stderr.decode(errors="replace").strip()
    if isinstance(route.way, SshWay) and status in (SSH_FAILED_STATUS, None):
        reason = describe_failure(route.way, status, words)
        raise HostUnreachable(route.host, reason, transcript=words)
    return Completed(status or 0, bytes(collector.stdout), bytes(collector.stderr))
