"""Tasks summed up over their hosts, and the tasks of two runs side by side."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict, deque
from collections.abc import Sequence

from herder.record.rows import Span, TaskCompared, TaskTime


def task_time(
    number: int, play: str | None, name: str, path: str, *, spans: list[Span]
) -> TaskTime:
    """Sum up one task over the hosts that ran it; `spans` is not empty."""
    slowest = max(spans, key=lambda span: span.seconds)
    return TaskTime(
        number=number,
        play=play or "",
        name=name,
        path=path,
        seconds=max(span.end for span in spans) - min(span.second for span in spans),
        median_seconds=statistics.median(span.seconds for span in spans),
        slowest_host=slowest.host,
        slowest_seconds=slowest.seconds,
        hosts=len({span.host for span in spans}),
        outcomes=dict(Counter(span.outcome for span in spans)),
    )


def compare_tasks(before: Sequence[TaskTime], after: Sequence[TaskTime]) -> list[TaskCompared]:
    """Give each task once, in the order of the later run; tasks that went away come last.

    A task is known by its play and name; the second one of a name meets the second one.
    """
    waiting: dict[tuple[str, str], deque[TaskTime]] = defaultdict(deque)
    for task in before:
        waiting[task.play, task.name].append(task)
    compared = []
    for task in after:
        same = waiting[task.play, task.name]
        compared.append(TaskCompared(task.play, task.name, same.popleft() if same else None, task))
    gone = sorted(
        (task for rest in waiting.values() for task in rest), key=lambda task: task.number
    )
    return [*compared, *(TaskCompared(task.play, task.name, task, None) for task in gone)]
