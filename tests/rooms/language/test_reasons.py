"""Why a task failed, in a few words."""

from __future__ import annotations

from typing import Any

import pytest

from herder.language.reasons import HIDDEN, reason_of

ITEMS = [
    {"item": "one", "failed": False, "msg": "done"},
    {"item": "two", "failed": True, "msg": "no such database"},
]
ALL = "One or more items failed"


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ({"msg": " non-zero return code\n"}, "non-zero return code"),
        (
            {"msg": "non-zero return code", "stderr": "Traceback\n  ...\nNoModule: django\n"},
            "non-zero return code NoModule: django",
        ),
        ({"msg": "no such unit", "stderr": "see journalctl"}, "no such unit"),
        ({"msg": "", "stderr": "killed"}, "killed"),
        ({}, "failed"),
        ({"msg": ALL, "results": ITEMS}, "no such database (item two)"),
        ({"msg": ALL, "results": ITEMS[1:] * 3}, "no such database (item two and 2 more)"),
        ({"msg": "no list", "results": []}, "no list"),
        ({"msg": "x", "results": "of a module's own"}, "x"),
    ],
)
def test_reason_names_what_failed(facts: dict[str, Any], text: str) -> None:
    """Of two databases it is one that could not be migrated."""
    assert reason_of(facts) == text


def test_a_hidden_item_says_nothing() -> None:
    """It would stand in the table at the end, and in the record of a job."""
    item = {"item": 1, "failed": True, "msg": "secret", "_ansible_no_log": True}

    assert reason_of({"msg": ALL, "results": [item]}) == HIDDEN
