"""What files of the controller are like, looked at once for all hosts of a run."""

from __future__ import annotations

import hashlib
import os
import stat as modes
import threading
import time
from pathlib import Path

from ansible.parsing.vault import is_encrypted

from herder.model.ports import WantedFile

FILE_BYTES = 8 * 1024 * 1024
SURE_AFTER_NANOSECONDS = 2_000_000_000


class LocalFiles:
    """What the files here are like, looked at once for all hosts of a run."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, tuple[int, ...]], tuple[str, bool]] = {}
        self._lock = threading.Lock()

    def wanted(self, source: str, path: str, *, is_mode_kept: bool) -> WantedFile | None:
        """Say how a file should be; None for one that is not sent as it is, or is no file.

        *Shapes*: `path` is relative to the destination.
        """
        try:
            status = os.stat(source)
            if not modes.S_ISREG(status.st_mode) or status.st_size > FILE_BYTES:
                return None
            checksum, is_vaulted = self._look(source, status)
        except OSError:
            return None
        if is_vaulted:
            return None
        mode = f"0{modes.S_IMODE(status.st_mode):03o}" if is_mode_kept else None
        return WantedFile(path, status.st_size, checksum, mode)

    def _look(self, source: str, status: os.stat_result) -> tuple[str, bool]:
        key = source, (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)
        with self._lock:
            if key not in self._known:
                content = Path(source).read_bytes()
                found = hashlib.sha1(content).hexdigest(), is_encrypted(content)
                if not _is_settled(status):
                    return found
                self._known[key] = found
            return self._known[key]


def _is_settled(status: os.stat_result) -> bool:
    """Whether another change would show: a clock that ticks slowly gives two changes one time."""
    return time.time_ns() - status.st_ctime_ns > SURE_AFTER_NANOSECONDS
