"""shortcuts/settings.py: a setting is what ansible-core finds, by whatever it follows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible import constants
from ansible._internal._datatag._tags import TrustedAsTemplate
from ansible._internal._templating._engine import TemplateEngine
from ansible.config.manager import ConfigManager
from ansible.parsing.dataloader import DataLoader

from herder.language.shortcuts.install import install_shortcuts
from tests.support.plugins import load_plugins
from tests.support.shadows import difference

PYTHON = "INTERPRETER_PYTHON"
trusted = TrustedAsTemplate().tag


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    """Once in a process, as in a run."""
    load_plugins()
    install_shortcuts()


def _ask(name: str, variables: Mapping[str, Any] | None) -> Any:
    found = constants.config.get_config_value_and_origin(name, variables=variables)
    long_way = ConfigManager.get_config_value_and_origin.herder_original
    expected = long_way(constants.config, name, variables=variables)
    wrong = difference(found, expected)
    assert wrong is None
    return found[0]


@pytest.mark.parametrize(
    "values",
    [
        ["/usr/bin/python3", "auto", None, "/usr/bin/python3", ""],
        [trusted("{{ a }}"), "{{ a }}", trusted("{{ a }}")],
        [1, True, "1", 1.0, "yes"],
    ],
    ids=["paths", "templates", "equal"],
)
def test_a_setting_follows_its_variable(values: list[Any]) -> None:
    """Text that nobody trusts must not become a template because another host's is one."""
    for value in values * 2:
        _ask(PYTHON, {"ansible_python_interpreter": value})


def test_a_list_is_given_anew_each_time() -> None:
    """A receiver may change it."""
    first = _ask("INTERPRETER_PYTHON_FALLBACK", None)

    first.append("more")

    assert "more" not in _ask("INTERPRETER_PYTHON_FALLBACK", None)


def test_a_list_in_a_variable_is_looked_up() -> None:
    """It cannot be a key."""
    for names in (["a"], ["b"]):
        found = _ask("INTERPRETER_PYTHON_FALLBACK", {"ansible_interpreter_python_fallback": names})
        assert found == names


def test_every_setting_is_what_it_was() -> None:
    """With and without variables, twice."""
    definitions = constants.config.get_configuration_definitions()
    # asking for a temporary directory makes one; some defaults are broken on purpose
    asked = {name for name, each in definitions.items() if each.get("type") != "tmppath"}
    asked = {name for name in asked if not name.startswith("_Z_TEST")}
    for name in sorted(asked):
        for variables in (None, {}, {"color": "red"}, None):
            _ask(name, variables)


@pytest.mark.skipif(
    "INJECT_INVOCATION" not in constants.config.get_configuration_definitions(),
    reason="no setting is rendered before 2.21",
)
def test_a_setting_is_rendered_for_who_gives_a_templar() -> None:
    """Since 2.21 the copy action asks in this way."""
    for answer in (True, False, True):
        templar = TemplateEngine(DataLoader(), variables={"answer": answer})
        found = constants.config.get_config_value(
            "INJECT_INVOCATION",
            variables={"ansible_inject_invocation": trusted("{{ answer }}")},
            templar=templar,
        )
        assert found is answer


def test_an_unknown_setting_is_an_error_each_time() -> None:
    """Nothing is kept of it."""
    for _ in range(2):
        with pytest.raises(Exception, match="no_such_setting"):
            constants.config.get_config_value_and_origin("no_such_setting")
