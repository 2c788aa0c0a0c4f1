"""shortcuts/module_json.py: what modules are sent and say is what ansible-core makes of it."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest
from ansible._internal._datatag._tags import Origin, TrustedAsTemplate
from ansible.module_utils._internal._datatag import AnsibleTagHelper
from ansible.module_utils.common.json import (
    Direction,
    get_module_decoder,
    get_module_encoder,
)

from herder.language.shortcuts import module_json
from tests.support.shadows import difference, outcome

tagged = Origin(path="/site.yml").tag
trusted = TrustedAsTemplate().tag

SENT = [
    {"a": "text", "b": 1, "c": 1.5, "d": True, "e": None, "f": ["x", {"y": []}], "g": {}},
    {"unicode": "ä € 😀 \u2028", "quotes": "\"'\\", "lines": "a\nb\t\x00"},
    {"tagged": tagged("a"), "trusted": trusted("{{ a }}"), "list": tagged([tagged("b"), 1])},
    {"tagged": tagged({"in": tagged("a")}), "number": tagged(5), "float": tagged(2.5)},
    {"numbers": [10**30, -1, 1e300, float("inf"), 0.1]},
    {tagged("name"): "tagged name"},
    {1: "a", None: "b", 2.5: "d"},
    {"tuple": (1, 2), "set": {1}},
    {"date": datetime.date(2026, 1, 2), "time": tagged(datetime.datetime(2026, 1, 2, 3, 4))},
    {"surrogate": "a\udce4b"},
    {"bytes": b"abc"},
    {"object": object()},
    {"deep": [[[{"a": [object]}]]]},
]
SAID = [
    '{"changed": true, "a": [1, 2.5, null, {"b": "c"}], "t": "ä"}',
    '{"escaped": "\\u00e4 \\ud83d\\ude00"}',
    '{"half": "\\ud83d"}',
    '{"half": "\udce4"}',
    '{"__ansible_type": "WarningSummary"}',
    '{"warnings": [{"__ansible_type": "WarningSummary", "event":'
    ' {"__ansible_type": "Event", "msg": "m"}}]}',
    '{"numbers": [1e400, NaN, -Infinity, 123456789012345678901234567890]}',
    '{"twice": 1, "twice": 2}',
    "[1, 2]",
    '"text"',
    "",
    "{",
    '{"a": 1} trailing',
    '  {"a": 1}  ',
    '{"control": "a\nb"}',
]


@pytest.fixture(autouse=True)
def installed() -> None:
    """Once in a process, as in a run."""
    module_json.install()


@pytest.mark.parametrize("profile", ["legacy", "modern"])
@pytest.mark.parametrize("value", SENT, ids=range(len(SENT)))
def test_what_a_module_is_sent_is_what_ansible_core_sends(value: Any, profile: str) -> None:
    """To the byte, and with the same refusals."""
    encoder = get_module_encoder(profile, Direction.CONTROLLER_TO_MODULE)
    expected = outcome(lambda: json.dumps(value, cls=encoder).encode())

    assert outcome(lambda: module_json.encoded(value, profile)) == expected


def test_tags_do_not_travel() -> None:
    """Neither of text nor of what holds it."""
    sent = json.loads(module_json.encoded(tagged({"a": [trusted("b")]}), "legacy"))

    assert sent == {"a": ["b"]}
    assert AnsibleTagHelper.tags(sent["a"][0]) == frozenset()


@pytest.mark.parametrize("profile", ["legacy", "modern"])
@pytest.mark.parametrize("text", SAID, ids=range(len(SAID)))
def test_what_a_module_says_is_what_ansible_core_reads(text: str, profile: str) -> None:
    """Types of ansible-core's own, text that is none, and what is no JSON included."""
    decoder: Any = get_module_decoder(profile, Direction.MODULE_TO_CONTROLLER)

    def read_the_long_way() -> Any:
        made = decoder()
        made.raw_decode = lambda *args, **words: decoder.raw_decode.herder_original(
            made, *args, **words
        )
        return made.decode(text)

    found = outcome(lambda: json.loads(text, cls=decoder))
    assert difference(repr(found), repr(outcome(read_the_long_way))) is None
