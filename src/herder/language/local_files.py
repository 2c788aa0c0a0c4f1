"""What files of the controller are like, looked at once for all hosts of a run."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat as modes
import threading
import time
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any, TypeVar

from ansible.parsing.vault import is_encrypted

from herder.model.ports import WantedFile

Found = TypeVar("Found")

BLOCK_BYTES = 256 * 1024
CONTENTS_BYTES = 32 * 1024 * 1024
FILE_BYTES = 8 * 1024 * 1024
SURE_AFTER_NANOSECONDS = 2_000_000_000


class LocalFiles:
    """What the files here are like, looked at once for all hosts of a run."""

    def __init__(self) -> None:
        self._found: dict[Hashable, Any] = {}
        self._locks: dict[Hashable, threading.Lock] = {}
        self._contents: dict[tuple[str, str], bytes] = {}
        self._contents_bytes = 0
        self._keeping = threading.Lock()

    def checksum(self, source: str, find: Callable[[], Found]) -> Found:
        """Give what `find` says of a file's content, asked once for as long as it is the same."""
        return self._once("checksum", source, find)

    def digests(self, source: str) -> dict[str, str]:
        """Give SHA-1 and, where there is one, MD5 of one reading of a file; {} if there is none."""
        try:
            return self._once("digests", source, lambda: _digests(source))
        except OSError:
            return {}

    def wanted(self, source: str, path: str, *, is_mode_kept: bool) -> WantedFile | None:
        """Say how a file should be; None for one that is not sent as it is, or is no file.

        *Shapes*: `path` is relative to the destination.
        """
        try:
            status = os.stat(source)
            if not modes.S_ISREG(status.st_mode) or status.st_size > FILE_BYTES:
                return None
            return self._once(
                ("wanted", path, is_mode_kept),
                source,
                lambda: _wanted(source, path, status, is_mode_kept=is_mode_kept),
                status,
            )
        except OSError:
            return None

    def content(self, source: str, wanted: WantedFile) -> bytes | None:
        """Give the content that a file had when it was looked at; None when it has another now.

        Hosts that are sent the same files go through them side by side: the last ones are kept.
        """
        key = source, wanted.checksum
        content = self._contents.get(key)
        if content is None:
            try:
                content = Path(source).read_bytes()
            except OSError:
                return None
            if hashlib.sha1(content).hexdigest() != wanted.checksum:
                return None
            self._keep(key, content)
        return content

    def _keep(self, key: tuple[str, str], content: bytes) -> None:
        with self._keeping:
            if self._contents_bytes > CONTENTS_BYTES:
                self._contents, self._contents_bytes = {}, 0
            self._contents[key] = content
            self._contents_bytes += len(content)

    def _once(
        self,
        question: Hashable,
        source: str,
        find: Callable[[], Found],
        status: os.stat_result | None = None,
    ) -> Found:
        """Find it, or wait for who is finding it; the answer is kept when the file is settled."""
        status = status or os.stat(source)
        times = status.st_mtime_ns, status.st_ctime_ns
        key = question, source, status.st_dev, status.st_ino, status.st_size, *times
        with self._locks.setdefault(key, threading.Lock()):
            if key not in self._found:
                found = find()
                if not _is_settled(status):
                    return found
                self._found[key] = found
            kept: Found = self._found[key]
            return kept


def _wanted(
    source: str, path: str, status: os.stat_result, *, is_mode_kept: bool
) -> WantedFile | None:
    content = Path(source).read_bytes()
    if is_encrypted(content):
        return None
    mode = f"0{modes.S_IMODE(status.st_mode):03o}" if is_mode_kept else None
    return WantedFile(path, status.st_size, hashlib.sha1(content).hexdigest(), mode)


def _digests(source: str) -> dict[str, str]:
    kinds = [hashlib.sha1()]
    with contextlib.suppress(ValueError):
        # a system that must not use it has none
        kinds.append(hashlib.md5())
    with Path(source).open("rb", buffering=0) as file:
        while block := file.read(BLOCK_BYTES):
            for kind in kinds:
                kind.update(block)
    return {kind.name: kind.hexdigest() for kind in kinds}


def _is_settled(status: os.stat_result) -> bool:
    """Whether another change would show: a clock that ticks slowly gives two changes one time."""
    return time.time_ns() - status.st_ctime_ns > SURE_AFTER_NANOSECONDS
