"""shortcuts/facts.py, against the long way of ansible-core that it stands for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible._internal._datatag._tags import Origin
from ansible.plugins.loader import connection_loader
from ansible.vars import clean
from ansible.vars import manager as vars_manager

from herder.language.shortcuts import facts
from herder.language.shortcuts.facts import NamesOfFacts, without_prefix
from tests.support.plugins import load_plugins

FACTS = {
    "ansible_kernel": "6.1",
    "ansible_local": {"a": [1, {"b": None, "_ansible_hidden": 1}], "_ansible_no_log": True},
    "ansible_mounts": [{"mount": "/", "size": 1.5}, "odd", ["deep", {"_ansible_x": {}}]],
    "ansible_ssh_host_key_rsa_public": "AAAA",
    "ansible_docker_gwbridge": {"mtu": 1500},
    "_ansible_facts_gathered": True,
    "discovered_interpreter_python": "/usr/bin/python3",
    "module_setup": True,
    "own_of_set_fact": {1: "number as a name"},
}
OTHERS: dict[str, dict[str, Any]] = {
    "connection": {**FACTS, "ansible_ssh_private_key_file": "/etc/shadow"},
    "interpreter": {**FACTS, "ansible_python_interpreter": "/bin/evil"},
    "become": {**FACTS, "ansible_become_password": "x"},
    "magic": {**FACTS, "ansible_port": 22},
    "restricted": {**FACTS, "ansible_facts": {}},
    "tagged": {**FACTS, "words": Origin(path="/x").tag("said"), "more": Origin(path="/x").tag([1])},
    "tuple": {**FACTS, "pair": (1, [2])},
    "empty": {},
}


class Counted:
    """ansible-core's function, and how often it was asked."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = getattr(function, "herder_original", function)
        self.times = 0

    def __call__(self, facts: Any) -> Any:
        self.times += 1
        return self.function(facts)


@pytest.fixture(autouse=True)
def _plugins() -> None:
    load_plugins()


def same(found: Any, expected: Any) -> bool:
    """Whether values, their order and their types are the same."""
    return repr(found) == repr(expected) and _types(found) == _types(expected)


def _types(value: Any) -> Any:
    if isinstance(value, dict):
        return type(value), [(type(name), _types(held)) for name, held in value.items()]
    if isinstance(value, (list, tuple)):
        return type(value), [_types(held) for held in value]
    return type(value)


@pytest.mark.cores
@pytest.mark.parametrize("facts", [FACTS, *OTHERS.values()], ids=["plain", *OTHERS])
def test_cleaned_facts_are_those_of_ansible_core_each_time(facts: dict[str, Any]) -> None:
    """What is known of the names after the first time must not change the second."""
    names, original = NamesOfFacts(), Counted(clean.clean_facts)

    expected = original.function(facts)

    for _ in range(3):
        assert same(names.clean(original, facts), expected)
        assert same(without_prefix(clean.namespace_facts, facts), clean.namespace_facts(facts))


def test_names_are_looked_at_once() -> None:
    """That is what makes it quick; values may change, names may not."""
    names, original = NamesOfFacts(), Counted(clean.clean_facts)

    names.clean(original, FACTS)
    names.clean(original, {**FACTS, "ansible_kernel": "6.2"})

    assert original.times == 1
    assert names.clean(original, {**FACTS, "ansible_kernel": "6.3"})["ansible_kernel"] == "6.3"
    assert "ansible_user" not in names.clean(original, {**FACTS, "ansible_user": "root"})
    assert original.times == 2


def test_names_that_are_refused_are_looked_at_each_time() -> None:
    """ansible-core says a warning of each."""
    names, original = NamesOfFacts(), Counted(clean.clean_facts)

    for _ in range(2):
        names.clean(original, OTHERS["connection"])

    assert original.times == 2


@pytest.mark.usefixtures("_own_directories")
def test_another_directory_of_connection_plugins_counts() -> None:
    """A plugin's variables are none that facts may set; a role may bring the plugin."""
    names, original = NamesOfFacts(), Counted(clean.clean_facts)
    names.clean(original, FACTS)

    connection_loader._extra_dirs.append("/nowhere")
    names.clean(original, FACTS)

    assert original.times == 2


@pytest.fixture
def _own_directories() -> Iterator[None]:
    before = list(connection_loader._extra_dirs)
    yield
    connection_loader._extra_dirs[:] = before


def test_each_task_gets_facts_of_its_own() -> None:
    """A plugin that changes a list must not change it for the next task."""
    names = NamesOfFacts()
    names.clean(clean.clean_facts, FACTS)
    before = repr(FACTS)

    cleaned = names.clean(clean.clean_facts, FACTS)
    cleaned["ansible_mounts"][0]["mount"] = "changed"
    spaced = without_prefix(clean.namespace_facts, FACTS)["ansible_facts"]
    spaced["mounts"].append("changed")
    spaced["local"] = "changed"

    assert repr(FACTS) == before


def test_it_is_installed_once_where_variables_are_put_together() -> None:
    """A second command in this process must not stand before the first."""
    facts.install()
    first = vars_manager.clean_facts
    facts.install()

    assert vars_manager.clean_facts is first
    assert first(FACTS) == clean.clean_facts(FACTS)
