"""The parts of a task result that a person wants to read, in the order they want them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from herder.display.plain_text import cut, plain_text, tail
from herder.events import Facts

CENSORED = "hidden, the task has no_log"

DEBUG_ACTIONS = frozenset({"debug", "ansible.builtin.debug", "ansible.legacy.debug"})

_FIRST = ("msg", "assertion", "evaluated_to", "cmd", "rc", "status", "url", "path", "dest")
_OUTPUT = ("stderr", "module_stderr", "stdout", "module_stdout")

# What every result has, what is shown elsewhere, and what only repeats another field.
_LEFT_OUT = frozenset(
    {
        "changed", "failed", "skipped", "unreachable", "invocation", "warnings", "deprecations",
        "diff", "results", "stdout_lines", "stderr_lines", "ansible_facts", "exception", "censored",
        "start", "end", "delta", "item", "ansible_loop_var", "ansible_index_var", "finished",
        "failed_when_result", "changed_when_result", "discovered_interpreter_python",
        "skip_reason", "false_condition",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Field:
    """One part of a result; `text` may have several lines."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Amount:
    """How much of a result to show."""

    output_lines: int = 20
    value_characters: int = 2000


BRIEF = Amount()
FULL = Amount(output_lines=100_000, value_characters=1_000_000)


def is_censored(result: Facts) -> bool:
    """Say whether no_log took the content away."""
    return "censored" in result or bool(result.get("_ansible_no_log"))


def result_fields(result: Facts, amount: Amount) -> tuple[Field, ...]:
    """Give what to show of a result: the message, what ran, its status, its output, the rest."""
    if is_censored(result):
        return (Field("result", CENSORED),)
    rest = sorted(set(result) - _LEFT_OUT - set(_FIRST) - set(_OUTPUT))
    names = (*_FIRST, *_OUTPUT, *(name for name in rest if not name.startswith("_")))
    return tuple(Field(name, text) for name in names if (text := _field_text(name, result, amount)))


def debug_fields(result: Facts) -> tuple[Field, ...]:
    """Give what a `debug` task was written to show: its message, or the variable it names."""
    if is_censored(result):
        return (Field("", CENSORED),)
    if "msg" in result:
        return (Field("", value_text(result["msg"])),)
    shown = sorted(set(result) - _LEFT_OUT)
    return tuple(
        Field(name, value_text(result[name])) for name in shown if not name.startswith("_")
    )


def value_text(value: object) -> str:
    """Give a value as text: strings as they are, the rest as JSON, over several lines when long."""
    if isinstance(value, str):
        return plain_text(value)
    flat = json.dumps(value, default=str, ensure_ascii=False, skipkeys=True)
    if len(flat) <= 60 or not isinstance(value, list | tuple | Mapping):
        return plain_text(flat)
    return plain_text(json.dumps(value, default=str, ensure_ascii=False, indent=2, skipkeys=True))


def _field_text(name: str, result: Facts, amount: Amount) -> str:
    value = result.get(name)
    if value is None or value in ("", [], {}):
        return ""
    if name == "cmd" and isinstance(value, list):
        value = " ".join(map(str, value))
    text = value_text(value).strip("\n")
    if name in _OUTPUT:
        return tail(text, amount.output_lines, 10 * amount.value_characters)
    return cut(text, amount.value_characters)
