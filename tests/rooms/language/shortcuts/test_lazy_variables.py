"""shortcuts/lazy_variables.py: templates see the variables of now, also with wrappers of before."""

from __future__ import annotations

from typing import Any

import pytest
from ansible._internal._datatag._tags import TrustedAsTemplate
from ansible._internal._templating._engine import TemplateEngine
from ansible.parsing.dataloader import DataLoader

from herder.language.shortcuts.install import install_shortcuts
from herder.language.shortcuts.lazy_variables import WORTH_KEEPING
from tests.support.plugins import load_plugins

trusted = TrustedAsTemplate().tag
MANY: dict[str, Any] = {f"name_{n}": n for n in range(WORTH_KEEPING)}


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    """Once in a process, as in a run."""
    load_plugins()
    install_shortcuts()


def _rendered(variables: dict[str, Any], text: str = "{{ color }}") -> Any:
    return TemplateEngine(DataLoader(), variables=variables).template(trusted(text))


def test_a_variable_that_changes_is_seen() -> None:
    """Also back to what it was, and when it is gone."""
    found = [_rendered({**MANY, "color": color}) for color in ("red", "blue", "red")]
    found.append(_rendered(MANY, "{{ color | default('none') }}"))

    assert found == ["red", "blue", "red", "none"]


def test_a_variable_of_another_name_with_the_same_value_is_its_own() -> None:
    """The same object may be there twice."""
    value = ["a"]

    assert _rendered({**MANY, "color": value, "other": value}, "{{ color + other }}") == ["a", "a"]


def test_a_template_in_a_variable_is_rendered_each_time() -> None:
    """Its wrapper is kept, not what came of it."""
    color = trusted("{{ shade }}-red")
    found = [_rendered({**MANY, "color": color, "shade": each}) for each in ("dark", "light")]

    assert found == ["dark-red", "light-red"]


def test_a_list_that_a_template_changes_stays_what_it_was() -> None:
    """Templates get copies."""
    variables = {**MANY, "color": ["red"]}
    _rendered(variables, "{{ color.append('blue') }}")

    assert _rendered(variables) == ["red"]


def test_a_list_that_somebody_adds_to_is_seen() -> None:
    """The same object, with more in it: `ansible_play_hosts` for one."""
    variables = {**MANY, "color": ["red"]}
    _rendered(variables)
    variables["color"].append("blue")

    assert _rendered(variables) == ["red", "blue"]


def test_equal_values_of_other_types_are_told_apart() -> None:
    """True equals 1."""
    found = [_rendered({**MANY, "color": value}) for value in (True, 1, 1.0, "1")]

    assert list(map(type, found)) == [bool, int, float, str]
