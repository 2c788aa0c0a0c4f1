"""A task's `timeout:` in a worker thread, where ansible-core would use an alarm signal.

A deadline belongs to the thread that entered it. Work on a host that is under way when it passes
is cancelled by the waiting thread (`blocking.LoopThread.call`); code that computes meanwhile is
interrupted by an asynchronous exception. That comes only when the thread computes again, so
programs that it waits for (the ssh of a stock connection) are ended.

*Source*: ansible-core 2.19 _internal/_errors/_alarm_timeout.py (bounds, texts).
"""

from __future__ import annotations

import contextlib
import ctypes
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

MAXIMUM_SECONDS = 100_000_000

_local = threading.local()


class Deadline:
    """A moment on the monotonic clock and the error to raise when it has passed."""

    def __init__(self, seconds: float, error: Callable[[], BaseException]) -> None:
        self._moment = time.monotonic() + seconds
        self.error = error

    def seconds_left(self) -> float:
        return max(0.0, self._moment - time.monotonic())


def current_deadline() -> Deadline | None:
    """Give the deadline of the calling thread, if it is under one."""
    return getattr(_local, "deadline", None)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Let the body come to its end, for what other threads wait for or will use too.

    *Raises*: the task's timeout error afterwards, when its time passed meanwhile.
    """
    interruption: _Interruption | None = getattr(_local, "interruption", None)
    if interruption is None:
        yield
        return
    interruption.hold()
    try:
        yield
    finally:
        interruption.release()


def end_in_time(program: subprocess.Popen[Any]) -> None:
    """End this program, which the calling thread has started, when the time of its task is over."""
    interruption: _Interruption | None = getattr(_local, "interruption", None)
    if interruption is not None:
        interruption.programs.append(program)


@contextlib.contextmanager
def task_timeout(error: type[BaseException], seconds: int | None) -> Iterator[None]:
    """Run the body under a timeout that raises `error(seconds)`; 0 and None mean none.

    *Raises*: TypeError and ValueError for a bad `seconds`, with ansible-core's words.
    """
    _check(seconds)
    if not seconds:
        yield
        return
    interruption = _Interruption(error, seconds)
    _local.deadline = Deadline(seconds, lambda: error(seconds))
    _local.interruption = interruption
    try:
        with interruption:
            yield
    finally:
        _local.deadline = _local.interruption = None


def _check(seconds: object) -> None:
    if seconds is None:
        return
    if not isinstance(seconds, int):
        raise TypeError(f"Timeout requires 'int' argument, not {type(seconds).__name__!r}.")
    if not 0 <= seconds <= MAXIMUM_SECONDS:
        raise ValueError(
            f"Timeout {seconds} is invalid, it must be between 0 and {MAXIMUM_SECONDS}."
        )


class _Interruption:
    """Raises in the entering thread, some grace after the deadline, if it is still inside."""

    GRACE_SECONDS = 0.5

    def __init__(self, error: type[BaseException], seconds: int) -> None:
        def initialise(this: BaseException) -> None:
            error.__init__(this, seconds)

        self.programs: list[subprocess.Popen[Any]] = []
        self._error = type(error.__name__, (error,), {"__init__": initialise})
        self._lock = threading.Lock()
        self._is_inside = True
        self._is_held = self._is_late = False
        self._thread_id = threading.get_ident()
        self._timer = threading.Timer(seconds + self.GRACE_SECONDS, self._interrupt)
        self._timer.daemon = True

    def _interrupt(self) -> None:
        with self._lock:
            if self._is_inside and self._is_held:
                self._is_late = True
            elif self._is_inside:
                self._raise_in_thread(ctypes.py_object(self._error))
                for program in self.programs:
                    with contextlib.suppress(OSError):
                        program.terminate()

    def hold(self) -> None:
        with self._lock:
            self._is_held = True

    def release(self) -> None:
        with self._lock:
            self._is_held = False
        if self._is_late:
            self._is_late = False
            raise self._error

    def _raise_in_thread(self, error: object) -> None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread_id), error)

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._is_inside = False
        self._timer.cancel()
