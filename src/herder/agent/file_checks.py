"""Many files of one task at once: which of them are as they should be, in one question.

A directory that is copied again is the same call of `file` for each of its files. The module has
vouched for that shape of call (`answers.py`); what is asked here is only that.

Law: the system's log hears of each file by its name, or the file does not count as well. It hears
of many in one line: to write a line takes the server five times as long as to look at a small file.
"""

from __future__ import annotations

import os
import stat
import time

from herder.agent import files
from herder.agent.answers import is_plain, is_plain_text, wishes_of
from herder.agent.calls import Call, Line
from herder.agent.known import PLACES, has_mode, has_owners
from herder.agent.resources import Resources
from herder.agent.system_log import SystemLog
from herder.wire.frames import Head
from herder.wire.json_text import from_json
from herder.wire.messages import NAMES, CheckFiles, RunModule, to_operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Sequence, Set, Tuple

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
            found = FileChecks(wishes, told, log).find_well(asked["files"])
        self.line.finish({"well": "".join("1" if is_well else "0" for is_well in found)})


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
        self._top = next((str(wishes[name]) for name in PLACES if name in wishes), "").rstrip("/")
        self._straight: Set[str] = {""}
        self._owned: Dict[Tuple[int, int], bool] = {}
        self._ends = time.monotonic() + PATIENCE_SECONDS

    def find_well(self, wanted: Sequence[Sequence[Any]]) -> List[bool]:
        """Say of each file whether it has this content and the module would leave it as it is.

        *Shapes*: a file is [path below the destination, bytes, sha1, mode or null].
        """
        if self._told is None or not is_plain(self._wishes, f"{self._top}/"):
            return [False] * len(wanted)
        found = [self._is_well(*each) for each in wanted]
        well = [number for number, is_well in enumerate(found) if is_well]
        told = self._log.tell_together(
            self._told, [self._own(wanted[number][0], wanted[number][3]) for number in well]
        )
        for number in well[told:]:
            found[number] = False
        return found

    def _is_well(self, name: str, size: int, checksum: str, mode: Any) -> bool:
        if time.monotonic() > self._ends or not self._is_of_shape(name, mode):
            return False
        path = f"{self._top}/{name}"
        try:
            status = os.lstat(path)
            return (
                stat.S_ISREG(status.st_mode)
                and status.st_size == size
                and status.st_nlink == 1
                and self._is_straight(name.rpartition("/")[0])
                and has_mode(status, self._wishes.get("mode") if mode is None else mode)
                and self._is_owned(status)
                and files.sha1(path) == checksum
            )
        except OSError:
            return False

    def _is_of_shape(self, name: str, mode: Any) -> bool:
        """Whether it is of the shape that the module vouched for: of another type, it is not."""
        own = self._own(name, mode)
        is_alike = all(type(self._wishes.get(each)) is type(own[each]) for each in own)
        return is_alike and is_plain_text(name)

    def _is_owned(self, status: os.stat_result) -> bool:
        """Whether owner and group are as wished; who that is takes a directory service a while."""
        key = status.st_uid, status.st_gid
        if key not in self._owned:
            self._owned[key] = has_owners(status, self._wishes)
        return self._owned[key]

    def _is_straight(self, folder: str) -> bool:
        """Whether no link leads there: else two names may mean one file, and order matters."""
        steps: List[str] = []
        while folder not in self._straight:
            steps.append(folder)
            folder = os.path.dirname(folder)
        for each in reversed(steps):
            if not stat.S_ISDIR(os.lstat(f"{self._top}/{each}").st_mode):
                return False
            self._straight.add(each)
        return True

    @staticmethod
    def _own(name: str, mode: Any) -> Head:
        own = {"_original_basename": name}
        return own if mode is None else {**own, "mode": mode}
