"""What callbacks are told, as events of a real run on this machine."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.support.two_engines import environment

pytestmark = pytest.mark.timeout(90)

Event = dict[str, Any]

CONTENT = """\
- name: First
  hosts: one:two
  gather_facts: false
  vars: {ansible_connection: local, ansible_python_interpreter: "{{ ansible_playbook_python }}"}
  tasks:
    - name: Changed
      command: echo moo
      notify: told
    - name: Items
      debug: {msg: "{{ item }}"}
      loop: [a, b]
    - name: Silent
      command: echo hush-hush
      no_log: true
    - name: Skipped
      debug:
      when: false
    - name: Again
      command: /bin/false
      register: again
      until: again is success
      retries: 1
      delay: 0
      ignore_errors: true
    - name: Differs
      copy: {content: moo, dest: "{{ playbook_dir }}/{{ inventory_hostname }}"}
      diff: true
    - name: Part
      include_tasks: part.yml
    - name: Failed
      fail: {msg: "on purpose"}
      when: inventory_hostname == 'two'
  handlers:
    - name: told
      debug:
- hosts: nowhere
"""


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    """Give all events of one run, from `--output json`."""
    place = tmp_path_factory.mktemp("run")
    (place / "site.yml").write_text(CONTENT)
    (place / "part.yml").write_text("- debug:\n")
    words = ["playbook", "--output", "json", "-i", "one,two", "site.yml"]
    done = subprocess.run(
        [sys.executable, "-m", "herder", *words],
        cwd=place,
        env=environment(place),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert "hush-hush" not in done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def named(events: list[Event], kind: str) -> list[Event]:
    return [event for event in events if event["event"] == kind]


def outcomes(events: list[Event], task: str) -> list[str]:
    finished = named(events, "host_task_finished")
    return [event["outcome"] for event in finished if event["task"]["name"] == task]


@pytest.mark.parametrize(
    ("task", "outcome"),
    [
        ("Changed", ["changed", "changed"]),
        ("Items", ["ok", "ok"]),
        ("Skipped", ["skipped", "skipped"]),
        ("Again", ["ignored", "ignored"]),
        ("Failed", ["failed", "skipped"]),
    ],
)
def test_every_outcome_is_told(events: list[Event], task: str, outcome: list[str]) -> None:
    """The display, the record and the report know nothing else of a task."""
    assert sorted(outcomes(events, task)) == outcome


def test_what_starts_is_finished(events: list[Event]) -> None:
    """A display that counts running hosts comes back to zero."""
    started = Counter(event["host"] for event in named(events, "host_task_started"))
    finished = Counter(event["host"] for event in named(events, "host_task_finished"))

    assert started == finished


def test_items_retries_and_diffs_have_events_of_their_own(events: list[Event]) -> None:
    """They come while the task goes on."""
    items = [event["label"] for event in named(events, "item_finished")]

    assert sorted(items) == ["a", "a", "b", "b"]
    assert {event["host"] for event in named(events, "task_retried")} == {"one", "two"}
    assert len([e for e in named(events, "file_diffed") if "+moo" in e["text"]]) == 2


def test_plays_handlers_and_includes_are_told(events: list[Event]) -> None:
    """The order of a run can be shown again from its events alone."""
    plays = named(events, "play_started")
    handlers = [e for e in events if e.get("task", {}).get("is_handler")]

    assert plays[0]["hosts"] == ["one", "two"]
    assert [event["handler"] for event in named(events, "handler_notified")] == ["told"]
    assert [event["event"] for event in handlers] == [
        "task_started",
        "host_task_started",
        "host_task_finished",
    ]
    assert named(events, "file_included")[0]["path"].endswith("part.yml")
    assert named(events, "hosts_missing")[0]["matched"] is False


def test_the_end_has_the_sums_of_the_recap(events: list[Event]) -> None:
    """As ansible counts them."""
    totals = {total["host"]: total for total in events[-1]["totals"]}

    assert events[-1]["event"] == "playbook_finished"
    assert totals["two"]["failed"] == 1
    assert totals["one"]["changed"] == 4
    assert totals["one"]["ignored"] == 1


def test_places_are_file_and_line(events: list[Event]) -> None:
    """An editor can jump there."""
    paths = {e["task"]["name"]: e["task"]["path"] for e in named(events, "task_started")}

    assert Path(paths["Changed"]).name == "site.yml:6"
