"""Events as JSON lines."""

from __future__ import annotations

import io
import json

from herder.display.json_lines import JsonLines
from herder.events import HostTaskFinished, Outcome, PlayStarted, TaskLabel
from tests.support.hand_clock import HandClock
from tests.support.scenarios import small


def test_an_event_is_one_object_with_its_own_fields() -> None:
    """A program that follows a run needs the name of the event, its time and all it says."""
    stream, clock = io.StringIO(), HandClock(50.0)
    sink = JsonLines(stream, clock)
    clock.move(1.25)
    label = TaskLabel("1", "Migrate", "command", "site.yml:3")

    sink.tell(HostTaskFinished("web1", label, Outcome.CHANGED, 0.5, {"rc": 0, "odd": b"x"}))

    assert json.loads(stream.getvalue()) == {
        "event": "host_task_finished",
        "seconds_since_start": 1.25,
        "host": "web1",
        "task": {
            "id": "1",
            "name": "Migrate",
            "action": "command",
            "path": "site.yml:3",
            "is_handler": False,
            "run_once": False,
        },
        "outcome": "changed",
        "seconds": 0.5,
        "result": {"rc": 0, "odd": "x"},
    }


def test_every_event_of_a_run_is_a_line() -> None:
    """No event may be left out or break over lines."""
    stream = io.StringIO()
    sink = JsonLines(stream, HandClock())
    run = small()

    for timed in run:
        sink.tell(timed.event)
    sink.close()

    lines = stream.getvalue().splitlines()
    assert len(lines) == len(run)
    assert json.loads(lines[0])["event"] == "playbook_started"


def test_text_that_is_no_text_is_still_a_line() -> None:
    """A half character in a task name must not end the run."""
    stream = io.StringIO()

    JsonLines(stream, HandClock()).tell(PlayStarted("\udcff", ("web1",)))

    assert stream.getvalue().isascii()


def test_reader_that_has_gone_is_no_failure() -> None:
    """`| head` has read enough; the run goes on, and nobody needs a traceback."""

    class Closed(io.StringIO):
        tries = 0

        def flush(self) -> None:
            self.tries += 1
            raise BrokenPipeError(32, "Broken pipe")

    stream = Closed()
    sink = JsonLines(stream, HandClock())

    sink.tell(PlayStarted("Web", ("web1",)))
    sink.tell(PlayStarted("Web", ("web1",)))
    sink.close()

    assert stream.tries == 1
