"""One shell line over the way itself: a process of its own, no agent."""

from __future__ import annotations

import asyncio

from herder.errors import HostUnreachable, OperationFailed
from herder.model.ports import Completed
from herder.model.route import Route, SshWay
from herder.transport.process import ProcessStream, Program, start_process
from herder.transport.ways import describe_failure

_END_SECONDS = 5.0
_SSH_FAILED = 255


class _Collector:
    """Keeps all that a program says, up to a bound."""

    def __init__(self, limit_bytes: int) -> None:
        self.stdout = bytearray()
        self.stderr = bytearray()
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

    def _keep(self, place: bytearray, data: bytes) -> None:
        if len(self.stdout) + len(self.stderr) + len(data) > self._limit_bytes:
            self.is_over_limit = True
            self.closed.set()
        else:
            place += data


async def run_line(program: Program, route: Route, stdin: bytes, limit_bytes: int) -> Completed:
    """Run a program to its end and give what it said.

    *Raises*: HostUnreachable when the way led nowhere, OperationFailed on too much output.
    """
    collector = _Collector(limit_bytes)
    try:
        stream = await start_process(program, collector)
    except OSError as error:
        raise HostUnreachable(route.host, f"cannot start {program.argv[0]!r}: {error}") from error
    try:
        status = await _run(stream, collector, stdin)
    finally:
        await asyncio.shield(stream.close(0.0 if collector.is_over_limit else _END_SECONDS))
    if collector.is_over_limit:
        raise OperationFailed(
            route.host, "raw", f"more output than the limit of {limit_bytes} bytes"
        )
    return _completed(route, status, collector)


async def _run(stream: ProcessStream, collector: _Collector, stdin: bytes) -> int | None:
    stream.write(stdin)
    await stream.drain()
    stream.finish_input()
    await collector.closed.wait()
    return await stream.wait_status(_END_SECONDS)


def _completed(route: Route, status: int | None, collector: _Collector) -> Completed:
    words = collector.stderr.decode(errors="replace").strip()
    if isinstance(route.way, SshWay) and status in (_SSH_FAILED, None):
        reason = describe_failure(route.way, status, words)
        raise HostUnreachable(route.host, reason, transcript=words)
    return Completed(status or 0, bytes(collector.stdout), bytes(collector.stderr))
