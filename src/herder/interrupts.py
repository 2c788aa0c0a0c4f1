"""A job that is cancelled and a terminal that is closed end a command as Ctrl-C does."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from types import FrameType


@contextlib.contextmanager
def ended_as_by_a_key() -> Iterator[None]:
    """Let SIGTERM and SIGHUP do in the main thread what Ctrl-C does; others' handlers stay.

    That is a KeyboardInterrupt, but not in the midst of an event loop's own work: a process that is
    just being started there would never be. `asyncio.run` then cancels what it runs.
    A terminal that is gone takes no words: what is still said then goes nowhere, so that the
    clean-up gets to its end. The shell says SIGHUP again what the kernel said: once is enough.
    """
    shown = [stream.fileno() for stream in (sys.stdout, sys.stderr) if stream.isatty()]

    def interrupt(number: int, frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            signal.signal(number, signal.SIG_IGN)
            _fall_silent(shown)
        as_by_a_key = signal.getsignal(signal.SIGINT)
        if not callable(as_by_a_key):
            raise KeyboardInterrupt
        as_by_a_key(signal.SIGINT, frame)

    asked = (signal.SIGTERM, signal.SIGHUP)
    taken = [number for number in asked if signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


def _fall_silent(descriptors: list[int]) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in descriptors:
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
