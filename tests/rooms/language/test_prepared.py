"""language/prepared.py: a connection is given again only where all its options would be the same.

What a whole run makes of it is compared with ansible-core in the folder `follows` of
tests/data/language_features and, for options, in test_shadows.py.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible._internal._datatag._tags import TrustedAsTemplate
from ansible._internal._templating._engine import TemplateEngine
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins.loader import become_loader, connection_loader

from herder.language.prepared import Prepared, PreparedConnections, Wish, is_fixed
from tests.support.plugins import load_plugins

trusted = TrustedAsTemplate().tag


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    """Once in a process, as in a run."""
    load_plugins()


def _wish(variables: dict[str, Any], host: str = "web1", **keywords: Any) -> Wish:
    given = {"ansible_host": "a", **variables}
    task = Task()
    for name, value in {"become": False, "become_method": "sudo", **keywords}.items():
        setattr(task, name, value)
    templar = TemplateEngine(DataLoader(), variables=given)
    return Wish(host, "ssh", task, PlayContext(), given, templar)


def _learned(*wishes: Wish) -> PreparedConnections:
    kept = PreparedConnections()
    for wish in wishes:
        connection = connection_loader.get("ssh", wish.context)
        connection.set_become_plugin(become_loader.get("sudo") if wish.task.become else None)
        kept.learn(wish, connection)
    return kept


def test_two_tasks_that_wish_the_same_have_one_key() -> None:
    """Else nothing would be gained."""
    kept = _learned(_wish({}))
    key = kept.key(_wish({"color": "red"}))

    assert key is not None
    assert key == kept.key(_wish({"color": "blue"}, name="another task"))


@pytest.mark.parametrize(
    "variables",
    [
        {"ansible_host": "b"},
        {"ansible_port": 22},
        {"ansible_port": "22"},
        {"ansible_user": "me"},
        {"ansible_ssh_user": "me"},
        {"ansible_password": "secret"},
        {"ansible_ssh_private_key_file": "key"},
        {"ansible_ssh_common_args": "-J jump"},
        {"ansible_ssh_retries": 3},
        {"ansible_pipelining": True},
        {"ansible_timeout": 3},
        {"ansible_become_user": "me"},
        {"ansible_shell_type": "fish"},
        {"ansible_shell_executable": "/bin/bash"},
        {"ansible_remote_tmp": "/elsewhere"},
        {"inventory_hostname": "b"},
        {"ansible_control_path": "x"},
    ],
    ids=lambda variables: next(iter(variables)),
)
def test_each_variable_of_its_options_makes_another_key(variables: dict[str, Any]) -> None:
    """Also one that was not there before, and that is a template."""
    kept = _learned(_wish({}))
    (name, value) = next(iter(variables.items()))
    keys = {
        kept.key(_wish({})),
        kept.key(_wish(variables)),
        kept.key(_wish({name: trusted("{{ other }}"), "other": "one"})),
        kept.key(_wish({name: trusted("{{ other }}"), "other": "two"})),
    }

    assert len(keys) == 4
    assert None not in keys
    assert kept.key(_wish({name: trusted("{{ other }}"), "other": value})) is not None


@pytest.mark.parametrize(
    ("field", "value"),
    [("remote_user", "me"), ("port", 23), ("become_user", "me"), ("timeout", 5)],
)
def test_each_keyword_of_its_options_makes_another_key(field: str, value: Any) -> None:
    """The next task may not have it."""
    plain, own = _wish({}, become=True), _wish({}, become=True, **{field: value})
    kept = _learned(plain)

    assert kept.key(plain) != kept.key(own)


def test_with_become_it_is_another_one() -> None:
    """And so it is for each of the ways to say so."""
    wishes = [
        _wish({}),
        _wish({}, become=True),
        _wish({"ansible_become": True}, become=True),
        _wish({"ansible_become": 1}, become=True),
        _wish({"ansible_become": "yes"}, become=True),
    ]
    kept = _learned(*wishes)

    assert len({kept.key(wish) for wish in wishes} - {None}) == 5


@pytest.mark.parametrize(
    "wish",
    [
        _wish({}, delegate_to="web2"),
        _wish({"ansible_user": ["a"]}),
        _wish({"ansible_user": trusted("{{ nowhere }}")}),
        _wish({"ansible_become": trusted("{{ nowhere }}")}),
        _wish({"ansible_ssh_args": {"a": 1}}),
    ],
    ids=["delegated", "list", "undefined", "undefined become", "dict"],
)
def test_what_may_mean_something_else_has_no_key(wish: Wish) -> None:
    """The task makes its own connection, and tells what is wrong."""
    assert _learned(_wish({})).key(wish) is None


def test_text_that_nobody_trusts_is_not_rendered() -> None:
    """Its braces are part of it."""
    kept = _learned(_wish({}))
    rendered = kept.key(_wish({"ansible_user": trusted("{{ other }}"), "other": "me"}))

    assert rendered != kept.key(_wish({"ansible_user": "{{ other }}", "other": "me"}))


def test_a_connection_is_used_by_one_task_at_a_time() -> None:
    """Two threads would share its temporary directory."""
    kept = PreparedConnections()
    kept.give_back(Prepared("key", "ssh", SimpleNamespace(), [], {}, ()))

    assert kept.take(None) is None
    assert kept.take("key") is not None
    assert kept.take("key") is None


def test_a_connection_with_a_key_in_an_ssh_agent_is_each_tasks_own() -> None:
    """Its key may have been taken out of the agent since, or its time may be over."""
    kept = PreparedConnections()
    connection = SimpleNamespace(_populated_agent="/tmp/key.pub")

    kept.give_back(Prepared("key", "ssh", connection, [], {}, ()))

    assert kept.take("key") is None


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        ("python3", True),
        (None, True),
        (trusted("{{ a }}"), False),
        ("{{ a }}", False),
        (["a"], False),
    ],
)
def test_an_interpreter_that_may_change_is_worked_out_each_time(value: Any, answer: bool) -> None:  # noqa: FBT001
    """What is the same text may not be the same Python."""
    assert is_fixed(value) is answer
