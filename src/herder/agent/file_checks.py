"""Many files of one task at once: which of them are as they should be, in one question.

A directory that is copied again is the same call of `file` for each of its files. The module has
vouched for that shape of call (`answers.py`); what is asked here is only that.
"""

from __future__ import annotations

import json
import os
import stat
import time
from typing import Any, List, Set

from herder.agent import files
from herder.agent.answers import Answers, wishes_of
from herder.agent.calls import Call, Line, Resources
from herder.agent.known import PLACES
from herder.wire.frames import Head
from herder.wire.messages import NAMES, CheckFiles, RunModule, to_operation

PATIENCE_SECONDS = 10.0
_LOG_PATIENCE_SECONDS = 5.0


class CheckCall(Call):
    """One such question; the controller keeps it short enough to be answered at once."""

    def __init__(self, line: Line, resources: Resources, call: CheckFiles) -> None:
        super().__init__(line, resources, NAMES[type(call)])
        self._call = call

    def begin(self, body: bytes) -> None:
        """Look at each file and answer."""
        module = to_operation(self._call.module)
        assert isinstance(module, RunModule)
        asked = json.loads(body)
        checks = FileChecks(self.resources.answers, module, wishes_of(asked["params"]))
        found = (checks.is_well(*wanted) for wanted in asked["files"])
        self.line.finish({"well": "".join("1" if each else "0" for each in found)})


class FileChecks:
    """What one question has in common for all its files.

    On a disk that is very slow the files that are left after PATIENCE_SECONDS count as unknown: the
    agent does nothing else meanwhile, and must not be taken for dead.
    """

    def __init__(self, answers: Answers, call: RunModule, wishes: Head) -> None:
        self._answers = answers
        self._call = call
        self._wishes = wishes
        self._top = next((str(wishes[name]) for name in PLACES if name in wishes), "")
        self._straight: Set[str] = {""}
        self._ends = time.monotonic() + PATIENCE_SECONDS
        self._log_ends = time.monotonic() + _LOG_PATIENCE_SECONDS

    def is_well(self, name: str, size: int, checksum: str, mode: Any) -> bool:
        """Whether it has this content and the module would leave it as it is."""
        if time.monotonic() > self._ends:
            return False
        path = f"{self._top.rstrip('/')}/{name}"
        try:
            status = os.lstat(path)
            is_same = (
                stat.S_ISREG(status.st_mode)
                and status.st_size == size
                and self._is_straight(os.path.dirname(name))
                and files.sha1(path) == checksum
            )
        except OSError:
            return False
        return is_same and self._is_left(name, mode)

    def _is_left(self, name: str, mode: Any) -> bool:
        wishes = {**self._wishes, "_original_basename": name}
        if mode is not None:
            wishes["mode"] = mode
        patience = max(0.0, self._log_ends - time.monotonic())
        return self._answers.would_leave(self._call, wishes, patience_seconds=patience)

    def _is_straight(self, folder: str) -> bool:
        """Whether no link leads there: else two names may mean one file, and order matters."""
        steps: List[str] = []
        while folder not in self._straight:
            steps.append(folder)
            folder = os.path.dirname(folder)
        for each in reversed(steps):
            if not stat.S_ISDIR(os.lstat(f"{self._top.rstrip('/')}/{each}").st_mode):
                return False
            self._straight.add(each)
        return True
