"""What is written down of a result and of a command line: bounded, and without secrets."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence

from herder.events import Facts

HIDDEN = "********"

_SECRET_NAME = (
    r"[\w.-]*(?:pass|passwd|password|pwd|secret|token|api_?key|private_?key|credential)[\w.-]*"
)
_QUOTED = r"'[^']*'|\"(?:\\.|[^\"\\])*\""
_ASSIGNMENT = re.compile(rf"(?i)(\b{_SECRET_NAME}\s*=\s*)({_QUOTED}|\S+)")
_JSON_PAIR = re.compile(rf"(?i)(['\"]?{_SECRET_NAME}['\"]?\s*:\s*)({_QUOTED}|[^\s,}}]+)")
_OF_URL = re.compile(r"(://[^/\s:@]*:)[^/\s@]+(?=@)")


def kept_command(words: Sequence[str]) -> str:
    """Give the command as one would type it, with the values of secret-looking variables hidden."""
    return as_storable(shlex.join(_without_secrets(word) for word in words))


def _without_secrets(word: str) -> str:
    # an option's own name may sound like a secret: --vault-password-file
    name, sign, value = word.partition("=") if word.startswith("--") else ("", "", word)
    for pattern in (_ASSIGNMENT, _JSON_PAIR, _OF_URL):
        value = pattern.sub(rf"\g<1>{HIDDEN}", value)
    return f"{name}{sign}{value}"


def kept_result(result: Facts, limit_bytes: int) -> str:
    """Give the result as JSON of at most `limit_bytes` (roughly: what says so comes on top).

    Gathered facts are left out, they are not what a task did. A result that is longer is cut to
    {"_cut": why, "msg": ..., "start": the first characters}.
    """
    text = _json({key: _without_facts(key, value) for key, value in result.items()})
    if len(text) <= limit_bytes:
        return text
    why = f"result of {len(text)} bytes, limit is {limit_bytes} bytes"
    message = str(result.get("msg", ""))[: limit_bytes // 8]
    return _json({"_cut": why, "msg": message, "start": text[: limit_bytes // 2]})


def _without_facts(key: str, value: object) -> object:
    if key == "ansible_facts" and isinstance(value, Mapping) and len(value) > 10:
        return f"{len(value)} facts, not kept"
    return value


def _json(value: object) -> str:
    # ASCII only: one character is one byte, and half characters from a host cannot break it.
    return json.dumps(value, default=str, skipkeys=True)


def as_storable(text: str) -> str:
    """Give the text with '?' for half characters, which SQLite does not take."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
