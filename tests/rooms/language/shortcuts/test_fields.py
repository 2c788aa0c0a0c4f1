"""shortcuts/fields.py: tasks are squashed, validated and told as by ansible-core's long way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible._internal._templating._engine import TemplateEngine
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.base import FieldAttributeBase
from ansible.playbook.play_context import PlayContext

from herder.language.shortcuts.install import install_shortcuts
from tests.support.play_variables import PlayVariables
from tests.support.plugins import load_plugins
from tests.support.shadows import difference, outcome, values

PLAY = """\
- hosts: all
  become: true
  remote_user: outer
  environment: {OUTER: 1}
  module_defaults: {ping: {data: d}}
  collections: [a.b]
  vars: {who: me, wait: 5, yes_or_no: "yes", nobody: null}
  handlers:
    - {name: handles, ping: , listen: [a, b], become_user: "{{ who }}"}
  tasks:
    - name: plain
      ping:
      when: [true]
      tags: [a]
      notify: [handles]
    - block:
        - {name: inner, ping: , become: false, environment: {INNER: 2}}
        - {name: second, ping: , ignore_errors: "{{ yes_or_no }}", retries: "{{ wait }}"}
        - {name: loops, ping: , loop: [1, 2], loop_control: {label: l}, delegate_to: "{{ who }}"}
        - {name: numbers, ping: , retries: 3, throttle: "2", timeout: true, port: "22", delay: 1.5}
        - {name: omits, ping: , become_user: "{{ omit }}", port: "{{ omit }}", no_log: "{{ omit }}"}
        - {name: jinja, ping: , remote_user: "#jinja2: trim_blocks: True", changed_when: "false"}
        - {name: wrong, ping: , port: "{{ who }}", become: "{{ nowhere }}"}
        - {name: nothing, ping: , become_user: "{{ nobody }}", until: [], failed_when: }
      rescue:
        - {name: rescues, ping: }
      become_user: blocked
      any_errors_fatal: true
      delegate_to: web2
      run_once: "{{ yes_or_no }}"
      environment: {BLOCK: 3}
      when: who is defined
      tags: [b, "{{ who }}"]
      check_mode: "{{ true }}"
      connection: local
"""
VALUES = {"who": "me", "wait": "5", "yes_or_no": "yes", "nobody": None}


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    """Once in a process, as in a run."""
    load_plugins()
    install_shortcuts()


@pytest.fixture
def tasks(tmp_path: Path) -> list[Any]:
    """Give tasks of a block in a play, and its handler."""
    site = PlayVariables.of(tmp_path, PLAY)
    handlers = [task for block in site.play.handlers for task in block.block]
    return [task for task in site.tasks() if task.action == "ping"] + handlers


def _both_ways(name: str, thing: Any, **words: Any) -> None:
    long_way = _alone(thing)
    short_way = _alone(thing)
    failures = [_failure(getattr(FieldAttributeBase, name).herder_original, long_way, words)]
    failures.append(_failure(getattr(FieldAttributeBase, name), short_way, words))
    assert failures[1] == failures[0]
    if failures[0] is None:
        wrong = difference(values(short_way), values(long_way))
        assert wrong is None, thing


def _failure(method: Any, thing: Any, words: dict[str, Any]) -> Any:
    return outcome(lambda: method(thing, **words))


def _alone(thing: Any) -> Any:
    twin = thing.copy(exclude_parent=True)
    twin._parent = thing._parent
    twin._squashed = thing._squashed
    return twin


def test_what_is_inherited_is_the_same_for_each_task(tasks: list[Any]) -> None:
    """Twice: the second task of a block gets what the first one has inherited."""
    for task in tasks * 2:
        _both_ways("squash", task)


def test_a_task_is_validated_the_same_where_it_is_squashed_and_where_not(tasks: list[Any]) -> None:
    """The copy for an item of a loop is not squashed."""
    templar = TemplateEngine(DataLoader(), variables=VALUES)
    for task in tasks:
        _both_ways("post_validate", task, templar=templar)
        task.squash()
        _both_ways("post_validate", task, templar=templar)


def test_what_is_told_of_a_task_is_the_same_before_and_after(tasks: list[Any]) -> None:
    """Workers send it, and connections read their options from it."""
    for task in tasks:
        _expect_same_dump(task)
        task.squash()
        _expect_same_dump(task)


def _expect_same_dump(task: Any) -> None:
    expected = FieldAttributeBase.dump_attrs.herder_original(task)
    wrong = difference(FieldAttributeBase.dump_attrs(task), expected)
    assert wrong is None, task


@pytest.mark.parametrize("port", [22, "22", None, "far", "{{ wait }}", True, [], "{{ nobody }}"])
def test_a_play_context_is_validated_as_it_was(port: object) -> None:
    """It has no parent; its fields come from variables."""
    context = PlayContext()
    context.port = port
    templar = TemplateEngine(DataLoader(), variables=VALUES)
    failures = []
    for method in (
        FieldAttributeBase.post_validate,
        FieldAttributeBase.post_validate.herder_original,
    ):
        twin = context.copy()
        failures.append((_failure(method, twin, {"templar": templar}), twin.port, type(twin.port)))

    assert failures[0] == failures[1]
