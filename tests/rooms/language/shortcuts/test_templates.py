"""shortcuts/templates.py: text without a template is what ansible-core makes of it."""

from __future__ import annotations

import functools
from typing import Any

import pytest
from ansible._internal._datatag._tags import Origin, TrustedAsTemplate
from ansible._internal._templating._engine import TemplateEngine, TemplateOptions
from ansible._internal._templating._jinja_bits import TemplateOverrides
from ansible.parsing.dataloader import DataLoader

from herder.language.shortcuts.install import install_shortcuts
from tests.support.plugins import load_plugins
from tests.support.shadows import difference, outcome

trusted = TrustedAsTemplate().tag
TEXTS: tuple[Any, ...] = (
    "",
    "plain",
    "5",
    "no",
    "None",
    "[1, 2]",
    "}} %} #}",
    "{",
    "{x}",
    "{# a comment #}",
    "{{ a }}",
    "{% if a %}b{% endif %}",
    "# no header",
    "#jinja2: variable_start_string:'[%', variable_end_string:'%]'\n[% a %]",
    "#jinja2:trim_blocks:False\nplain",
    "line\n",
    "<% a %>",
    "back\\slash",
    b"bytes",
    5,
    ["plain", "{{ a }}"],
    {"a": "{{ a }}"},
)


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    """Once in a process, as in a run."""
    load_plugins()
    install_shortcuts()


@pytest.mark.parametrize("text", TEXTS, ids=repr)
@pytest.mark.parametrize("overrides", [{}, {"variable_start_string": "<%"}], ids=str)
def test_text_is_what_the_long_way_makes_of_it(text: Any, overrides: dict[str, str]) -> None:
    """Trusted or not, with an origin or without, as it stands or with marks of somebody's own."""
    engine = TemplateEngine(DataLoader(), variables={"a": 1})
    if overrides:
        overrides = {**overrides, "variable_end_string": "%>"}
    words: list[dict[str, Any]] = [
        {},
        {"options": TemplateOptions(overrides=TemplateOverrides.from_kwargs(overrides))},
    ]
    long_way = TemplateEngine.template.herder_original
    origin = Origin(description="a file").tag
    for value in (text, trusted(text), origin(text), origin(trusted(text))):
        for each in words:
            found = outcome(functools.partial(engine.template, value, **each))
            expected = outcome(functools.partial(long_way, engine, value, **each))
            wrong = difference(found, expected)
            assert wrong is None


@pytest.mark.parametrize("first", [0, 1])
def test_code_of_one_text_is_not_taken_for_another_reading_of_it(first: int) -> None:
    """The same text means something else with other marks, and where backslashes are escaped."""
    engine = TemplateEngine(DataLoader(), variables={"a": 1})
    marks = TemplateOverrides(variable_start_string="<%", variable_end_string="%>")
    readings = [
        (trusted("{{ a }} <% a %>"), TemplateOptions(), "1 <% a %>"),
        (trusted("{{ a }} <% a %>"), TemplateOptions(overrides=marks), "{{ a }} 1"),
        (trusted("{{ 'a\\tb' }}"), TemplateOptions(escape_backslashes=True), "a\\tb"),
        (trusted("{{ 'a\\tb' }}"), TemplateOptions(escape_backslashes=False), "a\tb"),
    ]
    readings = [*readings[first:], *readings[:first]]

    seen = [engine.template(text, options=options) for text, options, _ in readings]

    assert seen == [wanted for *_, wanted in readings]
