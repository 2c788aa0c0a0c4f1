"""Many files of one task at once: which of them are as they should be, in one question.

A directory that is copied again is the same call of `file` for each of its files. The module has
vouched for that shape of call (`answers.py`); what is asked here is only that.
"""

from __future__ import annotations

import os
import stat
import time

from herder.agent import files
from herder.agent.answers import is_plain, wishes_of
from herder.agent.calls import Call, Line
from herder.agent.known import PLACES, is_owned_as_wished
from herder.agent.resources import Resources
from herder.agent.system_log import SystemLog
from herder.wire.frames import Head
from herder.wire.json_text import from_json
from herder.wire.messages import NAMES, CheckFiles, RunModule, to_operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List, Optional, Set

PATIENCE_SECONDS = 10.0


class CheckCall(Call):
    """One such question; the controller keeps it short enough to be answered at once."""

    def __init__(self, line: Line, resources: Resources, call: CheckFiles) -> None:
        super().__init__(line, resources, NAMES[type(call)])
        self._call = call

    def begin(self, body: bytes) -> None:
        """Look at each file and answer."""
        module = to_operation(self._call.module)
        assert isinstance(module, RunModule)
        asked = from_json(body)
        wishes = wishes_of(asked["params"])
        told = self.resources.answers.told(module, wishes)
        with SystemLog(wishes) as log:
            checks = FileChecks(wishes, told, log)
            found = ["1" if checks.is_well(*wanted) else "0" for wanted in asked["files"]]
        self.line.finish({"well": "".join(found)})


class FileChecks:
    """What one question has in common for all its files.

    On a disk that is very slow the files that are left after PATIENCE_SECONDS count as unknown: the
    agent does nothing else meanwhile, and must not be taken for dead. `told` is what the system's
    log hears of the call that the wishes are from, None when its shape is not vouched for.
    """

    def __init__(self, wishes: Head, told: Optional[Head], log: SystemLog) -> None:
        self._wishes = wishes
        self._told = told
        self._log = log
        self._top = next((str(wishes[name]) for name in PLACES if name in wishes), "")
        self._straight: Set[str] = {""}
        self._ends = time.monotonic() + PATIENCE_SECONDS

    def is_well(self, name: str, size: int, checksum: str, mode: Any) -> bool:
        """Whether it has this content and the module would leave it as it is."""
        if self._told is None or time.monotonic() > self._ends:
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
        return is_same and self._is_left(path, status, name, mode)

    def _is_left(self, path: str, status: os.stat_result, name: str, mode: Any) -> bool:
        """Whether the module would leave it as it is; the system's log is told of the question."""
        own = {"_original_basename": name}
        if mode is not None:
            own["mode"] = mode
        # another type would be another shape
        is_of_shape = all(type(self._wishes.get(each)) is type(own[each]) for each in own)
        is_plain_name = name.isascii() and "@" not in name and is_plain(self._wishes, path)
        wishes = {**self._wishes, **own}
        is_left = status.st_nlink == 1 and is_owned_as_wished(status, wishes)
        if not (is_of_shape and is_plain_name and is_left):
            return False
        return self._log.tell({**(self._told or {}), **own})

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
