"""Why a task failed on a host, in a few words for a table, from its result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from herder.events import Facts

# *Source*: ansible-core 2.19 executor/task_result.py, `as_callback_task_result`.
HIDDEN = "its output is hidden (no_log)"
# What a command that failed is told with; the reason is what it said last.
NO_REASON = "non-zero return code"
_LONGEST_LABEL = 40


def reason_of(facts: Facts) -> str:
    """Say why a task failed; of a loop, why the first item that did. A hidden item says nothing.

    Assumes the result as it came from the host, of a task that `no_log` does not hide.
    """
    failed = _failed_items(facts)
    if not failed:
        return _text(facts)
    first = failed[0]
    label = str(first.get("_ansible_item_label", first.get(_variable(first), "")))
    label = label if len(label) <= _LONGEST_LABEL else label[:_LONGEST_LABEL] + "..."
    more = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
    if first.get("_ansible_no_log"):
        return HIDDEN
    return f"{_text(first)} (item {label}{more})"


def _failed_items(facts: Facts) -> list[Mapping[str, Any]]:
    results = facts.get("results")
    items = results if isinstance(results, list) else []
    return [each for each in items if isinstance(each, Mapping) and each.get("failed")]


def _variable(item: Mapping[str, Any]) -> str:
    return str(item.get("ansible_loop_var", "item"))


def _text(facts: Mapping[str, Any]) -> str:
    text, said = (str(facts.get(name) or "").strip() for name in ("msg", "stderr"))
    if NO_REASON in text and said:
        return f"{text} {said.splitlines()[-1]}"
    return text or said or "failed"
