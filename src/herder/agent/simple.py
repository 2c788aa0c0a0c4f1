"""Operations that are one question about files; those that may take long go into a child."""

from __future__ import annotations

import os
import stat
import sys

from herder.agent import files
from herder.agent.accounts import are_groups_current
from herder.agent.calls import Call, ChildCall, Line
from herder.agent.children import Child, Outcome
from herder.agent.resources import Resources
from herder.wire.frames import Head
from herder.wire.json_text import from_json, to_json
from herder.wire.late import Late
from herder.wire.messages import (
    NAMES,
    CheckGroups,
    ExpandUser,
    MakeTemporaryDirectory,
    Remove,
    RunModule,
    Stat,
    StatAhead,
    to_operation,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    from herder.agent import fork

    Simple = Union[Stat, MakeTemporaryDirectory, Remove, ExpandUser, CheckGroups]
else:
    fork = Late("herder.agent.fork")

KINDS = (Stat, MakeTemporaryDirectory, Remove, ExpandUser, CheckGroups)

_QUICK_BYTES = 16 * 1024 * 1024


def answer(operation: Simple) -> Head:
    """Do it and give the REPLY's head.

    *Raises*: OSError.
    """
    if isinstance(operation, Stat):
        return files.describe(operation.path, follow=operation.follow, checksum=operation.checksum)
    if isinstance(operation, MakeTemporaryDirectory):
        return {"path": files.make_temporary_directory(operation.parent)}
    if isinstance(operation, Remove):
        files.remove(operation.path)
        return {}
    if isinstance(operation, CheckGroups):
        return {"current": are_groups_current()}
    return {"path": os.path.expanduser(operation.path)}


def is_slow(operation: Simple) -> bool:
    """Whether it could keep the other calls waiting: a large checksum, a whole directory."""
    if not isinstance(operation, (Stat, Remove)):
        return False
    try:
        status = os.stat(os.path.expanduser(operation.path))
    except OSError:
        return False
    if isinstance(operation, Remove):
        return stat.S_ISDIR(status.st_mode)
    return operation.checksum and status.st_size > _QUICK_BYTES


class SlowCall(ChildCall):
    """One of these operations in a forked child."""

    def __init__(self, line: Line, resources: Resources, operation: Simple) -> None:
        super().__init__(line, resources, NAMES[type(operation)])
        self._asked = operation

    def begin(self, body: bytes) -> None:
        """Fork the child."""
        loop = self.resources.loop
        process_id, pipes = fork.fork_child(loop, lambda: _answer_in_child(self._asked))
        self.child = Child(loop, process_id, pipes, self.resources.limits(0.0), self.done)

    def done(self, outcome: Outcome) -> None:
        """Answer with what the child found."""
        if outcome.problem or outcome.status:
            super().done(outcome)
            return
        found = from_json(outcome.stdout)
        if "reason" in found:
            self.line.fail(self.operation, found["reason"], errno=found["errno"])
        else:
            self.line.finish(found)


class AheadCall(Call):
    """What is at a path and, when it is the file that is wished, what a module would say of it."""

    def __init__(self, line: Line, resources: Resources, asked: StatAhead) -> None:
        super().__init__(line, resources, NAMES[type(asked)])
        self._asked = asked

    def begin(self, body: bytes) -> None:
        """Answer at once."""
        question = Stat(self._asked.path, checksum=True)
        if is_slow(question):
            self.line.finish({"later": True})
            return
        found = answer(question)
        said = None
        if found.get("checksum") == self._asked.checksum:
            module = to_operation(self._asked.module)
            assert isinstance(module, RunModule)
            said = self.resources.answers.give(module, body)
        self.line.finish(found, said or b"")


def _answer_in_child(operation: Simple) -> None:
    try:
        found = answer(operation)
    except OSError as error:
        found = {"reason": files.reason(error), "errno": error.errno or 0}
    sys.stdout.write(to_json(found))
