"""transport/process.py: a program as a stream, from start to its certain end."""

from __future__ import annotations

import asyncio
import time

import pytest

from herder.transport.process import Program, start_process


class Listener:
    """Keeps what a stream says."""

    def __init__(self) -> None:
        self.received = bytearray()
        self.words = bytearray()
        self.closed = asyncio.Event()

    def bytes_received(self, data: bytes) -> None:
        self.received += data

    def words_received(self, data: bytes) -> None:
        self.words += data

    def stream_closed(self) -> None:
        self.closed.set()


def shell(line: str, **environment: str) -> Program:
    """Give a program that runs a shell line."""
    return Program(("/bin/sh", "-c", line), environment)


async def test_bytes_go_both_ways_and_the_status_comes() -> None:
    """Standard error stays apart: it is for people."""
    listener = Listener()
    stream = await start_process(shell('cat; echo "$WORD" >&2; exit 5', WORD="w"), listener)

    stream.write(b"x" * 1_000_000)
    await stream.drain()
    stream.finish_input()
    await listener.closed.wait()
    status = await stream.wait_status(5)
    await asyncio.sleep(0.05)
    await stream.close(1)

    assert (len(listener.received), bytes(listener.words), status) == (1_000_000, b"w\n", 5)


async def test_program_that_does_not_end_is_ended() -> None:
    """Closing is bounded in time, whatever runs there, and may be asked for twice."""
    stream = await start_process(shell("trap '' TERM; sleep 100 & wait"), Listener())
    begin = time.monotonic()

    await stream.close(0.1)
    await stream.close(0.1)

    assert await stream.wait_status(0) == 128 + 9
    assert time.monotonic() - begin < 6


async def test_missing_program_is_an_error_of_the_system() -> None:
    """Who calls knows the host and makes the sentence."""
    with pytest.raises(FileNotFoundError):
        await start_process(Program(("/no/such/program",)), Listener())


async def test_program_has_no_part_in_our_terminal() -> None:
    """Ctrl-C is for us alone: we end the programs in order."""
    listener = Listener()
    stream = await start_process(shell("ps -o sid= -p $$; echo $$"), listener)
    await listener.closed.wait()
    await stream.close(1)

    session, process = listener.received.split()
    assert session == process
