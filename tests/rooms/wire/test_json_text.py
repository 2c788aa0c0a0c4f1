"""wire/json_text.py: what the package json gives, byte for byte."""

from __future__ import annotations

import json
from typing import Any

import pytest

from herder.wire.json_text import from_json, to_json

VALUES: list[Any] = [
    *(None, True, 0, -1, 10**30, 0.1, 1e300, "", 'a"\\\n\u00e4\U0001f600\udcff\x00', [], {}),
    *([1, [2, {"three": [None]}]], {"a": {"b": ()}, "": 1, 2: 3, None: 4, True: 5, 1.5: 6}),
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_text_is_what_json_writes(value: Any) -> None:
    """A module's answer is compared with it."""
    assert to_json(value) == json.dumps(value)
    assert to_json(value, is_compact=True) == json.dumps(value, separators=(",", ":"))


@pytest.mark.parametrize("value", VALUES, ids=repr)
@pytest.mark.parametrize("around", ["{}", "\n{}\n", "\t {} "])
def test_value_is_what_json_reads(value: Any, around: str) -> None:
    """With space around it, as modules print it, and as bytes."""
    text = around.format(json.dumps(value))

    assert from_json(text) == json.loads(text)
    assert from_json(text.encode()) == json.loads(text)


def test_numbers_that_are_none_are_read_as_json_reads_them() -> None:
    """Python writes them, so modules may."""
    assert repr(from_json("[NaN, Infinity, -Infinity]")) == "[nan, inf, -inf]"
    assert to_json([float("inf")]) == "[Infinity]"


@pytest.mark.parametrize("text", ["", " ", "{", "[1,]", "{'a': 1}", "1 2", '"a', "nul", '"\n"'])
def test_what_is_no_json_is_refused_as_by_json(text: str) -> None:
    """The wire refuses what breaks it; a wrong kind of error would end the agent."""
    for each in (text, text.encode()):
        with pytest.raises(ValueError):
            from_json(each)


def test_text_that_is_not_utf8_is_refused() -> None:
    """A hostile host may send anything."""
    with pytest.raises(ValueError):
        from_json(b'"\xff"')


def test_value_that_has_no_text_is_refused() -> None:
    """A mistake of ours must not go over the wire."""
    with pytest.raises(TypeError):
        to_json({"a": {1, 2}})
