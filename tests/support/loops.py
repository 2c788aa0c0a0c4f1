"""Loops in threads for tests, closed in the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from herder.language.blocking import LoopThread


@contextmanager
def running_loop() -> Iterator[LoopThread]:
    """Give a loop; a run's own is left to the end of its process, a test's is closed."""
    loop = LoopThread()
    try:
        yield loop
    finally:
        loop.stop()
        loop._loop.close()
