"""Ctrl-Z while lines are live: the terminal is left as a shell expects it, then we stop."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType


class StopSignal:
    """Asks `before_stop` whenever Ctrl-Z comes, and stops the process when it answers True.

    It answers False where it cannot leave the terminal at once; `stop` is called later then.
    Python lets only the main thread answer signals; elsewhere Ctrl-Z stops as without us.
    """

    def __init__(self, before_stop: Callable[[], bool]) -> None:
        self._before_stop = before_stop
        self._is_answering = False

    def answer(self) -> None:
        if threading.current_thread() is not threading.main_thread() or self._is_answering:
            return
        # Who ignores Ctrl-Z (nohup, some CI) or answers it already keeps doing so.
        if signal.getsignal(signal.SIGTSTP) is signal.SIG_DFL:
            signal.signal(signal.SIGTSTP, self._came)
            self._is_answering = True

    def answer_no_more(self) -> None:
        if self._is_answering and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTSTP, signal.SIG_DFL)
            self._is_answering = False

    def stop(self) -> None:
        """Stop by the signal that cannot be caught; a shell sees a stopped job as any other."""
        os.kill(os.getpid(), signal.SIGSTOP)

    def _came(self, number: int, frame: FrameType | None) -> None:
        if self._before_stop():
            self.stop()
