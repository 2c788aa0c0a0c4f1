"""Blocking code meets the event loop: one loop in a thread of its own, many worker threads.

ansible-core's executor and action plugins are blocking code. Each runs in a worker thread and
waits here for what the sessions do on the loop. This is the only file that starts threads.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import queue
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from herder.language.deadlines import current_deadline

log = logging.getLogger("herder.language")

Value = TypeVar("Value")

CLOSING_SECONDS = 10.0


class LoopThread:
    """An asyncio loop that lives in a background thread; `call` works from any other thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="herder-loop", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def call(self, work: Coroutine[Any, Any, Value]) -> Value:
        """Wait for `work` on the loop and give its value or raise its error.

        *Raises*: what `work` raises; the task's timeout error when the calling thread has a
        deadline that passes first, after `work` was cancelled.
        """
        errand = _Errand(work)
        self._loop.call_soon_threadsafe(errand.begin, self._loop)
        deadline = current_deadline()
        try:
            if errand.wait(None if deadline is None else deadline.seconds_left()):
                return errand.outcome()
        except BaseException:
            self._loop.call_soon_threadsafe(errand.cancel)
            raise
        self._loop.call_soon_threadsafe(errand.cancel)
        assert deadline is not None
        raise deadline.error()

    def start(self, work: Coroutine[Any, Any, None]) -> concurrent.futures.Future[None]:
        """Let `work` go on by itself on the loop; cancel the future to end it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def stop(self) -> None:
        """End the loop and its thread; safe to call twice."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(CLOSING_SECONDS)


class _Errand(Generic[Value]):
    """One piece of work on the loop that another thread waits for.

    A lock and a task: futures that can be waited for from both sides cost three times as much.
    """

    def __init__(self, work: Coroutine[Any, Any, Value]) -> None:
        self._work = work
        self._task: asyncio.Task[Value] | None = None
        self._is_over = threading.Lock()
        self._is_over.acquire()

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start (on the loop)."""
        self._task = loop.create_task(self._work)
        self._task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[Value]) -> None:
        if not task.cancelled():
            # looked at, also where nobody waits any more
            task.exception()
        self._is_over.release()

    def cancel(self) -> None:
        """Nobody waits any more (on the loop)."""
        if self._task is not None:
            self._task.cancel()

    def wait(self, seconds: float | None) -> bool:
        """Wait until it is over (in another thread); false when it is not yet."""
        return self._is_over.acquire(timeout=-1 if seconds is None else seconds)

    def outcome(self) -> Value:
        """Give the value, or raise the error, of what is over."""
        assert self._task is not None
        if self._task.cancelled():
            raise concurrent.futures.CancelledError
        return self._task.result()


class WorkerThreads:
    """Daemon threads that are kept for the next job; a new one starts only when all are busy."""

    def __init__(self) -> None:
        self._idle: queue.SimpleQueue[queue.SimpleQueue[Callable[[], None]]] = queue.SimpleQueue()
        self._count = 0

    def submit(self, job: Callable[[], None]) -> None:
        """Run `job` in an idle or a new thread; the job must not raise."""
        try:
            mailbox = self._idle.get_nowait()
        except queue.Empty:
            mailbox = self._start_thread()
        mailbox.put(job)

    def _start_thread(self) -> queue.SimpleQueue[Callable[[], None]]:
        mailbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._count += 1
        name = f"herder-worker-{self._count}"
        threading.Thread(target=self._serve, args=(mailbox,), name=name, daemon=True).start()
        return mailbox

    def _serve(self, mailbox: queue.SimpleQueue[Callable[[], None]]) -> None:
        while True:
            mailbox.get()()
            self._idle.put(mailbox)


def repeat(seconds: float, job: Callable[[], None]) -> Callable[[], None]:
    """Do `job` every so many seconds in a thread of its own; call what is given back to end it.

    An error of the job is logged, and the job done again at the next time: what is renewed in this
    way lasts longer than one time.
    """
    ended = threading.Event()

    def serve() -> None:
        while not ended.wait(seconds):
            try:
                job()
            except Exception as error:  # noqa: BLE001  # whatever it was, the next may do
                log.warning("a repeated job failed, and is tried again in %g s: %r", seconds, error)

    threading.Thread(target=serve, name="herder-repeat", daemon=True).start()
    return ended.set


def do_aside(job: Callable[[], object]) -> None:
    """Do a job in a thread of its own; for a signal's handler, which may stand in a lock's way."""
    threading.Thread(target=job, name="herder-aside", daemon=True).start()
