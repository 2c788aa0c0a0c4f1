"""wire/messages.py: every operation survives the journey, nothing else is taken for one."""

from __future__ import annotations

import json

import pytest

from herder.wire.frames import Head, WireError
from herder.wire.messages import (
    CheckGroups,
    ExpandUser,
    FetchFile,
    MakeTemporaryDirectory,
    OpenProcess,
    Operation,
    PutFile,
    Remove,
    RunCommand,
    RunModule,
    Settings,
    Stat,
    to_head,
    to_operation,
)

OPERATIONS: list[Operation] = [
    RunModule(name="ping", fqn="ansible.modules.ping", bundle="d1"),
    RunModule("a", "b", "c", [["p", "d"]], environment={"A": "1"}, async_seconds=5, job_id="j"),
    RunCommand("true", environment={"LANG": "C"}, timeout_seconds=1.5),
    PutFile("/x", 0o600, is_streamed=True),
    PutFile("/x", new_mode=0o755),
    FetchFile("/x"),
    Stat("/x", follow=True, checksum=True),
    MakeTemporaryDirectory("~/.ansible/tmp"),
    Remove("/x"),
    ExpandUser("~"),
    CheckGroups(),
    OpenProcess("sudo sh", needs_tty=True),
]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: type(each).__name__)
def test_operation_survives_the_journey(operation: Operation) -> None:
    """Both ends read the same definitions."""
    head = json.loads(json.dumps(to_head(operation)))

    assert to_operation(head) == operation


@pytest.mark.parametrize(
    "head",
    [{}, {"operation": "format disk"}, {"operation": "stat"}, {"operation": "stat", "depth": 1}],
)
def test_unknown_operation_or_field_is_refused(head: Head) -> None:
    """A controller of another version must fail clearly, not do half of what was meant."""
    with pytest.raises(WireError):
        to_operation(head)


def test_what_stands_at_its_default_is_not_sent() -> None:
    """A thousand hosts and thirty tasks: bytes count."""
    assert to_head(Settings()) == {}
    assert to_head(Stat("/x")) == {"operation": "stat", "path": "/x"}
