"""Jobs (`async:` with `poll: 0`) that were started a moment ago, and how long to wait for them.

Between the start of a job and the first question after it, ansible-core needs about half a second
for processes of its own; a short job is done by then. Asked a few milliseconds after its start it
would not be, and a playbook that asks once, or with a long `delay`, would go another way.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

YOUNG_SECONDS = 0.6
PAUSE_SECONDS = 0.05

Facts = Mapping[str, object]


class YoungJobs:
    """The jobs of a run that were started less than `YOUNG_SECONDS` ago; used by all threads."""

    def __init__(self, clock: Callable[[], float], pause: Callable[[float], None]) -> None:
        self._clock = clock
        self._pause = pause
        self._started: dict[str, float] = {}
        self._lock = threading.Lock()

    def note(self, job_id: str) -> None:
        """Know that this job was started just now."""
        now = self._clock()
        with self._lock:
            young = {job: moment for job, moment in self._started.items() if self._is_young(moment)}
            self._started = {**young, job_id: now}

    def ask(self, job_id: str, status: Callable[[], Facts]) -> Facts:
        """Give the job's status; that of a young job once it is finished or not young any more."""
        seen = status()
        moment = self._started.get(job_id)
        while moment is not None and not _is_settled(seen) and self._is_young(moment):
            self._pause(PAUSE_SECONDS)
            seen = status()
        return seen

    def _is_young(self, moment: float) -> bool:
        return self._clock() - moment < YOUNG_SECONDS


def _is_settled(seen: Facts) -> bool:
    """A job's file comes a moment after the answer that the job has started.

    *Source*: ansible-core 2.19 modules/async_wrapper.py and async_status.py (the words).
    """
    return bool(seen.get("finished")) and seen.get("msg") != "could not find job"
