"""The first question after a job that was just started."""

from __future__ import annotations

from herder.language.young_jobs import YOUNG_SECONDS, Facts, YoungJobs
from tests.support.hand_clock import HandClock


class Job:
    """A job that is finished after so many questions."""

    def __init__(self, questions: int) -> None:
        self._left = questions

    def status(self) -> Facts:
        self._left -= 1
        return {"finished": self._left <= 0}


def test_a_young_job_is_given_the_time_that_processes_take() -> None:
    """`until: done` with `delay: 10` must not sleep ten seconds for a job of a tenth."""
    clock = HandClock()
    jobs = YoungJobs(clock, clock.move)
    jobs.note("j1.2")

    seen = jobs.ask("j1.2", Job(3).status)

    assert seen == {"finished": True}


def test_a_long_job_is_not_waited_for() -> None:
    """Its playbook asks again by itself."""
    clock = HandClock()
    start = clock()
    jobs = YoungJobs(clock, clock.move)
    jobs.note("j1.2")

    seen = jobs.ask("j1.2", Job(1000).status)

    assert seen == {"finished": False}
    assert YOUNG_SECONDS <= clock() - start < 2 * YOUNG_SECONDS


def test_a_job_of_another_run_is_asked_once() -> None:
    """Nothing is known of when it was started."""
    clock = HandClock()
    jobs = YoungJobs(clock, clock.move)

    assert jobs.ask("j1.2", Job(2).status) == {"finished": False}


def test_a_job_without_its_file_yet_is_asked_again() -> None:
    """The file is written when the start was already told."""
    clock = HandClock()
    jobs = YoungJobs(clock, clock.move)
    jobs.note("j1.2")
    late: list[Facts] = [{"finished": 1, "msg": "could not find job"}, {"finished": 1, "rc": 0}]
    answers = iter(late)

    seen = jobs.ask("j1.2", lambda: next(answers))

    assert seen == {"finished": 1, "rc": 0}
