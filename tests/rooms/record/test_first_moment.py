"""record/first_moment.py: what came before anything that a run did."""

from __future__ import annotations

import pytest

from herder.events import (
    Event,
    HostTaskFinished,
    ItemFinished,
    Outcome,
    PlayStarted,
    TaskLabel,
    TaskRetried,
    TaskStarted,
)
from herder.record.first_moment import FirstMoment


def task(action: str = "ansible.builtin.command") -> TaskLabel:
    """Give a task with this action."""
    return TaskLabel(action, action, action)


def finished(action: str = "command", outcome: Outcome = Outcome.OK) -> HostTaskFinished:
    """Give the end of such a task on a host."""
    return HostTaskFinished("one", task(action), outcome, 1.0, {})


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([TaskStarted(task()), finished()], ["effect"]),
        ([TaskStarted(task()), finished(), finished()], ["effect"]),
        ([finished(), TaskStarted(task())], ["effect", "end"]),
        ([finished(), PlayStarted("next", ("two",))], ["effect", "end"]),
        ([finished(outcome=Outcome.FAILED), TaskStarted(task())], ["effect", "end"]),
        ([finished("ansible.builtin.debug"), TaskStarted(task())], []),
        ([finished("set_fact"), TaskStarted(task())], []),
        ([finished(outcome=Outcome.SKIPPED), TaskStarted(task())], []),
        ([finished(outcome=Outcome.UNREACHABLE), TaskStarted(task())], []),
        ([ItemFinished("one", task(), "a", Outcome.OK, {})], ["effect", "end"]),
        ([ItemFinished("one", task(), "a", Outcome.SKIPPED, {})], []),
        ([TaskRetried("one", task(), 1, 2)], ["effect", "end"]),
    ],
)
def test_it_lasts_until_the_first_task_with_an_effect_has_been_everywhere(
    events: list[Event], said: list[str]
) -> None:
    """What comes after it may depend on what was done."""
    heard: list[str] = []
    moment = FirstMoment(lambda: heard.append("effect"), lambda: heard.append("end"))

    for event in events:
        moment.tell(event)

    assert heard == said


def test_its_end_is_said_once() -> None:
    """The end of the run is one too."""
    heard: list[str] = []
    moment = FirstMoment(lambda: heard.append("effect"), lambda: heard.append("end"))

    moment.tell(finished())
    moment.tell(TaskStarted(task()))
    moment.end()
    moment.tell(finished())

    assert heard == ["effect", "end"]
