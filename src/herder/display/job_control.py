"""Ctrl-Z while lines are live: the terminal is left as a shell expects it, then we stop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def stopped_cleanly(
    loop: asyncio.AbstractEventLoop, leave_terminal: Callable[[], None]
) -> Iterator[None]:
    """Call `leave_terminal` before Ctrl-Z stops the process; off the main thread do nothing."""

    def stop() -> None:
        leave_terminal()
        # The signal that cannot be caught; the shell sees a stopped job as with any other.
        os.kill(os.getpid(), signal.SIGSTOP)

    try:
        loop.add_signal_handler(signal.SIGTSTP, stop)
    except (NotImplementedError, RuntimeError, ValueError):
        yield
        return
    try:
        yield
    finally:
        with contextlib.suppress(RuntimeError):
            loop.remove_signal_handler(signal.SIGTSTP)
