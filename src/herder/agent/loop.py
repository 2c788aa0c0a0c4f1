"""One thread waits for everything: descriptors, timers and children that end.

Nothing here knows what it waits for; the agent must stay single-threaded, because it forks.
"""

from __future__ import annotations

import itertools
import os
import select
import time

from herder.agent.suppress import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    import heapq
    import signal
    from typing import Callable, Dict, List, Optional, Tuple

    Callback = Callable[[], None]
else:
    import _heapq as heapq
    import _signal as signal

READ = select.POLLIN | select.POLLHUP | select.POLLERR
WRITE = select.POLLOUT | select.POLLERR | select.POLLHUP


class Timer:
    """Something that will happen, unless it is cancelled."""

    def __init__(self, callback: Callback) -> None:
        self.callback: Optional[Callback] = callback

    def cancel(self) -> None:
        """Make it not happen."""
        self.callback = None


class Loop:
    """Calls back when a descriptor is ready, a time has come or a child has ended."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._watched: Dict[int, Callback] = {}
        self._timers: List[Tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._children: Dict[int, Callable[[int], None]] = {}
        self._wake_read, wake_write = os.pipe()
        for each in (self._wake_read, wake_write):
            os.set_blocking(each, False)
        self._wake_write = wake_write
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        self.watch(self._wake_read, READ, self._reap)

    @property
    def children(self) -> Tuple[int, ...]:
        """Process ids of the children that have not ended."""
        return tuple(self._children)

    @property
    def highest_descriptor(self) -> int:
        """The highest that is watched."""
        return max(max(self._watched), self._wake_write)

    def watch(self, descriptor: int, events: int, callback: Callback) -> None:
        """Call back each time the descriptor is ready; watching it again changes what for."""
        self._poll.register(descriptor, events)
        self._watched[descriptor] = callback

    def forget(self, descriptor: int) -> None:
        """Stop watching; well when it was not watched."""
        if self._watched.pop(descriptor, None) is not None:
            self._poll.unregister(descriptor)

    def later(self, seconds: float, callback: Callback) -> Timer:
        """Call back once, after so many seconds."""
        timer = Timer(callback)
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._order), timer))
        return timer

    def on_exit(self, process_id: int, callback: Callable[[int], None]) -> None:
        """Call back with the exit status (128 + n after signal n) when this child has ended."""
        self._children[process_id] = callback
        # it may have ended before it was known here
        self._wake()

    def run_once(self) -> None:
        """Wait for the next thing and do it."""
        for descriptor, _ in self._poll.poll(self._patience()):
            callback = self._watched.get(descriptor)
            if callback is not None:
                callback()
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            timer = heapq.heappop(self._timers)[2]
            if timer.callback is not None:
                timer.callback()

    def leave(self) -> None:
        """In a forked child: give up what belongs to the parent's loop."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._children.clear()

    def _patience(self) -> Optional[float]:
        while self._timers and self._timers[0][2].callback is None:
            heapq.heappop(self._timers)
        if not self._timers:
            return None
        return max(0.0, (self._timers[0][0] - time.monotonic()) * 1000 + 1)

    def _wake(self) -> None:
        with suppress(BlockingIOError):
            os.write(self._wake_write, b"\0")

    def _reap(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._wake_read, 4096)
        for process_id in tuple(self._children):
            try:
                ended, status = os.waitpid(process_id, os.WNOHANG)
            except ChildProcessError:
                ended, status = process_id, 255 << 8
            if ended:
                self._children.pop(process_id)(exit_status(status))


def exit_status(status: int) -> int:
    """Give what a shell would give for a wait status."""
    if os.WIFSIGNALED(status):
        return 128 + os.WTERMSIG(status)
    return os.WEXITSTATUS(status)
