"""shortcuts/twins.py: a task's copy for a host is what copying and squashing it anew gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.playbook.base import FieldAttributeBase

from herder.language.shortcuts.install import install_shortcuts
from herder.language.shortcuts.twins import copy_beside_parent, squashed_copy
from tests.support.play_variables import PlayVariables
from tests.support.plugins import load_plugins
from tests.support.shadows import difference, fields

PLAY = """\
- hosts: all
  become: true
  environment: {OUTER: 1}
  handlers:
    - {name: handles, ping: , listen: [a, b]}
  tasks:
    - {name: plain, ping: {data: x}, tags: [a], when: true, notify: [handles]}
    - block:
        - {name: inner, ping: , become: false, environment: {INNER: 2}, vars: {a: 1}}
        - {name: loops, ping: , loop: [1, 2], loop_control: {label: l}}
        - {name: included, include_tasks: other.yml}
      become_user: blocked
      environment: {BLOCK: 3}
      tags: [b]
"""


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    """Once in a process, as in a run."""
    load_plugins()
    install_shortcuts()


@pytest.fixture
def tasks(tmp_path: Path) -> list[Any]:
    """Give the play's tasks and its handler."""
    site = PlayVariables.of(tmp_path, PLAY)
    return [*site.tasks(), *(task for block in site.play.handlers for task in block.block)]


def _long_way(task: Any) -> Any:
    twin = copy_beside_parent(task)
    FieldAttributeBase.squash.herder_original(twin)
    return twin


def _check(task: Any) -> Any:
    twin = squashed_copy(task)
    if type(task).__name__ == "TaskInclude":
        twin.squash()
    assert difference(fields(twin), fields(_long_way(task))) is None
    assert (twin._uuid, twin._loader, twin._parent) == (task._uuid, task._loader, task._parent)
    return twin


def test_each_host_s_copy_is_what_copying_anew_gives(tasks: list[Any]) -> None:
    """The first one, and those that are made of its pattern."""
    for task in tasks:
        for _host in range(3):
            _check(task)


@pytest.mark.parametrize(
    ("name", "value"),
    [("name", "other"), ("run_once", True), ("action", "debug"), ("args", {"data": "y"})],
)
def test_a_task_that_has_changed_is_copied_as_it_is_now(
    tasks: list[Any], name: str, value: Any
) -> None:
    """A strategy renders a task's name and action, and says what runs once."""
    for task in tasks:
        _check(task)
        setattr(task, name, value)
        assert getattr(_check(task), name) == value


def test_what_is_changed_where_it_is_is_seen(tasks: list[Any]) -> None:
    """Lists and mappings may grow."""
    for task in tasks:
        _check(task)
        task.args["more"] = "new"
        assert _check(task).args["more"] == "new"


def test_a_host_that_changes_its_copy_changes_no_other(tasks: list[Any]) -> None:
    """Action plugins take arguments out of theirs."""
    for task in tasks:
        first = squashed_copy(task)
        before = fields(_long_way(task))
        for value in vars(first).values():
            if isinstance(value, (list, dict)) and value is not first.get_ds():
                value.clear()
        first.name = "changed"
        first.loop_control.label = "changed"
        assert difference(fields(_check(task)), before) is None
