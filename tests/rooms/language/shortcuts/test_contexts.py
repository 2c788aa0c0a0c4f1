"""shortcuts/contexts.py: a play context is what task and variables make of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible._internal._datatag._tags import TrustedAsTemplate
from ansible._internal._templating._engine import TemplateEngine
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext

from herder.language.shortcuts.install import install_shortcuts
from tests.support.plugins import load_plugins
from tests.support.shadows import difference, fields

trusted = TrustedAsTemplate().tag
PLAIN = {
    "delegate_to": None,
    "check_mode": None,
    "diff": None,
    "become": None,
    "remote_user": None,
    "connection": "ssh",
}


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    """Once in a process, as in a run."""
    load_plugins()
    install_shortcuts()


def _ask(context: Any, variables: dict[str, Any], **keywords: Any) -> Any:
    task = SimpleNamespace(**PLAIN | keywords)
    words = {"task": task, "variables": variables, "templar": TemplateEngine(DataLoader())}
    found = context.set_task_and_variable_override(**words)
    long_way = PlayContext.set_task_and_variable_override.herder_original
    wrong = difference(fields(found), fields(long_way(context, **words)))
    assert wrong is None
    return found


@pytest.mark.parametrize(
    "values",
    [
        [1, True, "1", 1.0, None, "", 0, False],
        [trusted("{{ a }}"), "{{ a }}", trusted("{{ a }}")],
        [["-x"], [], {}, {"a": 1}],
        ["inventory_hostname", "local", "ssh"],
    ],
    ids=["equal", "templates", "containers", "names"],
)
@pytest.mark.parametrize(
    "name", ["ansible_host", "ansible_port", "ansible_user", "ansible_password", "ansible_become"]
)
def test_a_variable_is_followed_whatever_it_is(name: str, values: list[Any]) -> None:
    """True and 1 are equal, and two templates of which one is trusted."""
    context = PlayContext()
    for value in values * 2:
        _ask(context, {name: value, "inventory_hostname": "web1"})


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("become", [True, False, None, 1]),
        ("remote_user", ["a", None, "b"]),
        ("connection", ["local", "ssh"]),
        ("check_mode", [True, False, None]),
        ("diff", [True, False, None]),
        ("timeout", [1, "1", None]),
        ("become_user", ["root", None]),
    ],
)
def test_a_task_s_field_is_followed(field: str, values: list[Any]) -> None:
    """What one task sets is not there for the next."""
    context = PlayContext()
    for value in values * 2:
        _ask(context, {}, **{field: value})


def test_the_context_that_is_given_counts() -> None:
    """A password of the command line, or check mode of the play."""
    for password in ("one", "two", "one"):
        context = PlayContext(passwords={"conn_pass": password})
        assert _ask(context, {}).password == password


def test_each_receiver_has_a_context_of_its_own() -> None:
    """Plugins set their options in it."""
    context = PlayContext()
    first = _ask(context, {})

    first.remote_addr = "elsewhere"

    assert _ask(context, {}).remote_addr != "elsewhere"


def test_a_delegated_task_has_the_other_host_s_values() -> None:
    """What is kept for a host is not for those who stand in for it."""
    context = PlayContext()
    for port in (22, 23, 22):
        variables = {"ansible_delegated_vars": {"web2": {"ansible_port": port}}, "ansible_port": 1}
        assert _ask(context, variables, delegate_to="web2").port == port
