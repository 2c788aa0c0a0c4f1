"""One loop in a thread, workers in others."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Iterator

import pytest

from herder.language.blocking import LoopThread, WorkerThreads, repeat
from tests.support.loops import running_loop


@pytest.fixture
def loop() -> Iterator[LoopThread]:
    """Give a loop that is stopped in the end."""
    with running_loop() as loop:
        yield loop


def test_a_call_gives_the_value_and_raises_the_error(loop: LoopThread) -> None:
    """Action plugins wait here for their host."""

    async def give(value: int) -> int:
        await asyncio.sleep(0)
        if value < 0:
            raise ValueError(value)
        return value

    assert loop.call(give(3)) == 3
    with pytest.raises(ValueError, match="-1"):
        loop.call(give(-1))


def test_a_timeout_of_the_work_itself_is_passed_on(loop: LoopThread) -> None:
    """It is not taken for the task's deadline."""

    async def work() -> None:
        raise TimeoutError("of its own")

    with pytest.raises(TimeoutError, match="of its own"):
        loop.call(work())


def test_stopping_twice_is_safe() -> None:
    """The end of a run may be reached on two ways."""
    with running_loop() as loop:
        loop.stop()
        loop.stop()


def test_jobs_run_side_by_side_and_threads_are_kept() -> None:
    """All hosts at once must not mean a new thread for each task."""
    threads = WorkerThreads()
    together = threading.Barrier(3, timeout=10)
    names: list[set[str]] = []

    for _ in range(2):
        seen: set[str] = set()
        _run_jobs(threads, together, seen)
        names.append(seen)

    assert names[0] == names[1]
    assert len(names[0]) == 2


def _run_jobs(threads: WorkerThreads, together: threading.Barrier, seen: set[str]) -> None:
    done = threading.Barrier(3, timeout=10)

    def job() -> None:
        together.wait()
        seen.add(threading.current_thread().name)
        done.wait()

    for _ in range(2):
        threads.submit(job)
    together.wait()
    done.wait()
    # both threads put themselves back right after their job
    while threads._idle.qsize() < 2:
        threading.Event().wait(0.01)


def test_repeating_ends_when_told() -> None:
    """A lease is renewed until the deployment is over."""
    count = threading.Semaphore(0)

    end = repeat(0.01, count.release)
    assert all(count.acquire(timeout=10) for _ in range(3))
    end()

    threading.Event().wait(0.1)
    while count.acquire(blocking=False):
        pass
    assert not count.acquire(timeout=0.1)


def test_repeating_goes_on_after_an_error_of_the_job(caplog: pytest.LogCaptureFixture) -> None:
    """One renewal that failed must not cost a deployment its lease."""
    tries: list[int] = []
    done = threading.Event()

    def job() -> None:
        tries.append(1)
        if len(tries) == 1:
            raise RuntimeError("no answer")
        done.set()

    end = repeat(0.01, job)
    assert done.wait(10)
    end()

    assert "RuntimeError('no answer')" in caplog.text


def test_work_that_is_cancelled_says_so_to_who_waits(loop: LoopThread) -> None:
    """As when a run is broken off; the thread must not wait for ever."""

    async def work() -> None:
        raise asyncio.CancelledError

    with pytest.raises(concurrent.futures.CancelledError):
        loop.call(work())


def test_many_threads_wait_for_work_of_their_own(loop: LoopThread) -> None:
    """Each gets its own answer, whichever is first."""

    async def give(value: int) -> int:
        await asyncio.sleep(0.01 * (value % 3))
        return value

    with concurrent.futures.ThreadPoolExecutor(10) as threads:
        assert list(threads.map(lambda n: loop.call(give(n)), range(50))) == list(range(50))
