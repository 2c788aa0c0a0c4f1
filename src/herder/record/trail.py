"""The paths that decided where a run connects first, each with what it was like then.

A mark says which file or listing a path led to, without reading it: it is the same as long as
nobody changed what the path leads to.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping

PATHS_LIMIT = 10_000
HOSTS_LIMIT = 1000
# A file system's clock goes in steps: what changed just before may change again unseen.
CLOCK_STEP_NANOSECONDS = 10_000_000

_ABSENT = "absent"
_DIRECTORY = "directory"
_SPECIAL = "special"


def mark_of(path: str) -> str:
    """Give what a path leads to; of a directory its content only where the path ends in a slash."""
    return _look(path)[0]


def _look(path: str) -> tuple[str, int]:
    """Give the mark and when it last changed. *Units*: nanoseconds since 1970, 0 for never."""
    try:
        # not Path.stat: these are hundreds, looked at before anything else can start
        found = os.stat(path)  # noqa: PTH116
    except (OSError, ValueError):
        return _ABSENT, 0
    kind = stat.S_IFMT(found.st_mode)
    if kind == stat.S_IFDIR and not path.endswith("/"):
        return _DIRECTORY, 0
    if kind not in (stat.S_IFDIR, stat.S_IFREG):
        return _SPECIAL, 0
    marks = (
        found.st_mtime_ns,
        found.st_ctime_ns,
        found.st_size,
        found.st_ino,
        found.st_dev,
        found.st_mode,
    )
    return ":".join(map(str, marks)), max(found.st_mtime_ns, found.st_ctime_ns)


class Trail:
    """Notes paths while it is open; implements model.ports.Trail.

    A file that changed since the run began may have been read before: the trail is lost then.
    *Units*: `began` in nanoseconds since 1970.
    """

    def __init__(self, began: int) -> None:
        self._latest = began - CLOCK_STEP_NANOSECONDS
        self._marks: dict[str, str] = {}
        self._is_lost = False
        self.hosts_limit = HOSTS_LIMIT
        self.is_open = True

    @property
    def marks(self) -> Mapping[str, str] | None:
        """The paths with their marks, None when they do not decide alone."""
        return None if self._is_lost else self._marks

    def saw(self, path: str) -> None:
        """Note a path that was read or looked for."""
        if self.is_open and path not in self._marks and not self._is_listed_without(path):
            self._note(path)

    def listed(self, path: str) -> None:
        """Note a directory of which all names were asked for, or a place where there is none."""
        whole = path.rstrip("/") + "/"
        if self.is_open and whole not in self._marks:
            self._note(whole)

    def bound(self, hosts: int) -> None:
        """At most so many hosts are to be worked on at once."""
        self.hosts_limit = min(self.hosts_limit, hosts)

    def lose(self) -> None:
        """Something decides that no path can stand for."""
        self._is_lost = True
        self.close()

    def close(self) -> None:
        """Note nothing more."""
        self.is_open = False

    def _is_listed_without(self, path: str) -> bool:
        """Whether the mark of its directory already says that the path is not there."""
        folder = os.path.dirname(path) + "/"  # noqa: PTH120  # as above
        return folder in self._marks and not os.path.lexists(path)

    def _note(self, path: str) -> None:
        mark, changed = _look(path)
        is_unsure = mark == _SPECIAL and path != os.devnull
        if is_unsure or changed >= self._latest or len(self._marks) >= PATHS_LIMIT:
            self.lose()
        else:
            self._marks[path] = mark
