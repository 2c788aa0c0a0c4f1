"""A task's timeout in a thread."""

from __future__ import annotations

import asyncio
import subprocess
import threading
import time

import pytest

from herder.language.deadlines import current_deadline, end_in_time, task_timeout, uninterrupted
from tests.support.loops import running_loop


class Late(BaseException):
    """Stands for ansible-core's TaskTimeoutError, which is no Exception either."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"late after {seconds}")


def compute() -> None:
    while True:
        time.sleep(0.01)


def test_code_that_computes_is_interrupted() -> None:
    """A template that never ends must not hold its host forever."""
    started = time.monotonic()

    with pytest.raises(Late, match="late after 1"), task_timeout(Late, 1):
        compute()

    assert time.monotonic() - started < 10


def test_a_program_that_is_waited_for_is_ended() -> None:
    """The ssh of a stock connection is waited for where nothing of Python runs meanwhile."""
    program = subprocess.Popen(["sleep", "60"])

    def wait() -> None:
        end_in_time(program)
        program.wait()

    with pytest.raises(Late), task_timeout(Late, 1):
        wait()

    program.wait(timeout=10)


def test_waiting_for_a_host_is_cancelled() -> None:
    """What runs on the host ends with the wait for it."""
    cancelled = threading.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.set()

    with running_loop() as loop:
        with pytest.raises(Late), task_timeout(Late, 1):
            loop.call(work())
        assert cancelled.wait(5)


def test_every_thread_has_a_deadline_of_its_own() -> None:
    """One host's timeout says nothing about the others."""
    seen: list[object] = []

    with task_timeout(Late, 60):
        thread = threading.Thread(target=lambda: seen.append(current_deadline()))
        thread.start()
        thread.join()
        assert current_deadline() is not None

    assert seen == [None]
    assert current_deadline() is None


@pytest.mark.parametrize("seconds", [None, 0])
def test_nothing_and_zero_mean_no_deadline(seconds: int | None) -> None:
    """0 is ansible-core's default."""
    with task_timeout(Late, seconds):
        assert current_deadline() is None


@pytest.mark.parametrize(("seconds", "error"), [(-1, ValueError), (10**9, ValueError)])
def test_a_deadline_out_of_bounds_is_refused(seconds: int, error: type[Exception]) -> None:
    """With the words that ansible-core has for it."""
    with pytest.raises(error, match="must be between 0 and"), task_timeout(Late, seconds):
        pass


def test_a_body_in_time_is_left_alone_afterwards() -> None:
    """A timer that fires late would hit whatever the thread does next."""
    with task_timeout(Late, 1):
        pass

    end = time.monotonic() + 2
    while time.monotonic() < end:
        time.sleep(0.05)


def test_what_others_wait_for_comes_to_its_end() -> None:
    """A module is built once for all hosts; one host's timeout must not break it off."""
    finished: list[bool] = []

    def build() -> None:
        with uninterrupted():
            time.sleep(1.8)
            finished.append(True)

    with pytest.raises(Late, match="late after 1"), task_timeout(Late, 1):
        build()

    assert finished == [True]
