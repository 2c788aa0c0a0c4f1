"""shortcuts/attributes.py: a field is read as ansible-core reads it, whatever holds it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible._internal._templating._engine import TemplateEngine
from ansible.playbook.attribute import FieldAttribute
from ansible.playbook.base import FieldAttributeBase
from ansible.playbook.play_context import PlayContext

from herder.language.shortcuts.install import install_shortcuts
from tests.support.play_variables import PlayVariables
from tests.support.plugins import load_plugins
from tests.support.shadows import difference, outcome

PLAY = """\
- hosts: all
  become: true
  environment: {OUTER: 1}
  connection: smart
  handlers:
    - {name: handles, ping: , listen: [a, b], become_user: me}
  tasks:
    - {name: plain, ping: , tags: [a], when: true}
    - block:
        - {name: inner, ping: , become: false, environment: {INNER: 2}, connection: persistent}
        - {name: loops, ping: , loop: [1, 2], loop_control: {label: l}, delegate_to: web2}
      become_user: blocked
      environment: {BLOCK: 3}
      tags: [b]
      connection: local
"""


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    """Once in a process, as in a run."""
    load_plugins()
    install_shortcuts()


def _kinds() -> Iterator[Any]:
    """Give all kinds of playbook objects there are."""
    waiting = [FieldAttributeBase]
    while waiting:
        below = waiting.pop().__subclasses__()
        waiting += below
        yield from below


@pytest.fixture
def things(tmp_path: Path) -> list[Any]:
    """Give a play, its blocks, tasks and handlers, and a play context."""
    site = PlayVariables.of(tmp_path, PLAY)
    handlers = [task for block in site.play.handlers for task in block.block]
    tasks = [*site.tasks(), *handlers]
    return [
        site.play,
        PlayContext(),
        *tasks,
        *{id(each._parent): each._parent for each in tasks}.values(),
    ]


def _read_both_ways(thing: Any) -> None:
    for name, field in type(thing).fattributes.items():
        short: Any = type(field).__get__
        long = short.herder_original
        found = outcome(lambda: short(field, thing, type(thing)))  # noqa: B023 # called at once
        expected = outcome(lambda: long(field, thing, type(thing)))  # noqa: B023 # called at once
        assert difference(found, expected) is None, f"{thing} {name}"


def test_every_field_is_read_as_by_ansible_core(things: list[Any]) -> None:
    """Of things that inherit and of those that stand alone."""
    for thing in things:
        _read_both_ways(thing)


def test_fields_of_squashed_and_finalized_things_are_read_so_too(things: list[Any]) -> None:
    """These inherit nothing any more."""
    for thing in things:
        outcome(thing.squash)
        _read_both_ways(thing)
        thing.post_validate(TemplateEngine(variables={}))
        _read_both_ways(thing)


def test_a_field_can_be_read_of_a_class() -> None:
    """As documentation tools do."""
    for kind in _kinds():
        for name, field in kind.fattributes.items():
            short: Any = type(field).__get__
            long = short.herder_original
            found, expected = (outcome(lambda: way(field, None, kind)) for way in (short, long))  # noqa: B023
            assert difference(found, expected) is None, f"{kind} {name}"


def test_a_class_that_reads_a_field_in_its_own_way_is_asked() -> None:
    """*Source*: ansible-core's unit tests, playbook/test_base.py, `test_attr_method`."""

    class Own(FieldAttributeBase):
        flavour = FieldAttribute(isa="string", default="plain")

        def _get_attr_flavour(self) -> str:
            return "its own"

    assert Own().flavour == "its own"


def test_no_class_keeps_a_value_where_those_of_its_things_are_looked_up() -> None:
    """A value is read from the thing itself and not from what its class may have by that name."""
    for kind in _kinds():
        assert [name for name in kind.fattributes if hasattr(kind, f"_{name}")] == [], kind
