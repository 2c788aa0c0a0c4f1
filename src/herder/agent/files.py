"""Files and directories on the target: each function does one thing and raises OSError."""

from __future__ import annotations

import os
import stat
import time

from herder.agent import digests
from herder.agent.suppress import suppress
from herder.wire.frames import Head
from herder.wire.late import Late
from herder.wire.messages import NEW_MODE

TYPE_CHECKING = False
if TYPE_CHECKING:
    import hashlib
    import shutil
    import tempfile
    from io import FileIO
    from typing import Optional
else:
    hashlib, shutil, tempfile = Late("hashlib"), Late("shutil"), Late("tempfile")

_BLOCK_BYTES = 1024 * 1024
_PAGE_BYTES = 4096


class WholeFile:
    """A file that appears under its name only when all of it is written."""

    def __init__(self, path: str, mode: int, new_mode: int = NEW_MODE) -> None:
        self.path = os.path.realpath(os.path.expanduser(path))
        if os.path.isdir(self.path):
            raise IsADirectoryError(21, "is a directory", self.path)
        folder, name = os.path.split(self.path)
        self._temporary = f"{folder}/.{name[:64]}.{os.urandom(6).hex()}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        self._descriptor = os.open(self._temporary, flags, new_mode if mode < 0 else 0o600)
        with self._undone_on_error():
            self._take_over(mode)

    def write(self, content: bytes) -> None:
        """Add content; on an error nothing is left."""
        with self._undone_on_error():
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]

    def finish(self) -> None:
        """Put the file in its place."""
        with self._undone_on_error():
            os.close(self._descriptor)
            self._descriptor = -1
            os.rename(self._temporary, self.path)

    def abandon(self) -> None:
        """Leave no trace."""
        if self._descriptor >= 0:
            with suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = -1
        with suppress(OSError):
            os.unlink(self._temporary)

    def _take_over(self, mode: int) -> None:
        if mode >= 0:
            os.fchmod(self._descriptor, mode)
        with suppress(FileNotFoundError):
            old = os.stat(self.path)
            if mode < 0:
                os.fchmod(self._descriptor, stat.S_IMODE(old.st_mode))
            with suppress(PermissionError):
                os.fchown(self._descriptor, old.st_uid, old.st_gid)

    def _undone_on_error(self) -> _UndoneOnError:
        return _UndoneOnError(self)


class _UndoneOnError:
    def __init__(self, file: WholeFile) -> None:
        self._file = file

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            self._file.abandon()


def open_for_reading(path: str) -> FileIO:
    """Open a file whole and unbuffered."""
    return open(os.path.expanduser(path), "rb", buffering=0)


def describe(path: str, *, follow: bool, checksum: bool) -> Head:
    """Give the fields of model.ports.FileStatus for a path."""
    path = os.path.expanduser(path)
    try:
        status = os.stat(path) if follow else os.lstat(path)
    except FileNotFoundError:
        return {"exists": False}
    is_regular = stat.S_ISREG(status.st_mode)
    return {
        "exists": True,
        "is_directory": stat.S_ISDIR(status.st_mode),
        "is_link": stat.S_ISLNK(status.st_mode),
        "is_regular": is_regular,
        "mode": stat.S_IMODE(status.st_mode),
        "uid": status.st_uid,
        "gid": status.st_gid,
        "size": status.st_size,
        "modified": status.st_mtime,
        "checksum": sha1(path) if checksum and is_regular else "",
        "link_target": os.readlink(path) if stat.S_ISLNK(status.st_mode) else "",
        "link_source": os.path.realpath(path) if stat.S_ISLNK(status.st_mode) else "",
    }


def sha1(path: str) -> str:
    """Give the SHA-1 of a file's content in hex; '' when it cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            size = os.fstat(descriptor).st_size
            digest = digests.sha1() if size <= _BLOCK_BYTES else hashlib.sha1()
            at_once = min(max(size + 1, _PAGE_BYTES), _BLOCK_BYTES)
            for block in iter(lambda: os.read(descriptor, at_once), b""):
                digest.update(block)
        finally:
            os.close(descriptor)
    except OSError:
        return ""
    return digest.hexdigest()


def make_temporary_directory(parent: str) -> str:
    """Make a directory named as ansible names its own; in the system's place when refused.

    *Source*: ansible-core 2.19 plugins/action/__init__.py, `_make_tmp_path`.
    """
    number = int.from_bytes(os.urandom(6), "big")
    name = f"ansible-tmp-{time.time()}-{os.getpid()}-{number}"
    wanted = os.path.expanduser(parent)
    if os.path.isabs(wanted):
        with suppress(OSError):
            os.makedirs(wanted, 0o700, exist_ok=True)
            return _made(f"{wanted}/{name}")
    return _made(f"{tempfile.gettempdir()}/{name}")


def _made(path: str) -> str:
    os.mkdir(path, 0o700)
    os.chmod(path, 0o700)
    return path


def remove(path: str) -> None:
    """Remove a file or a whole directory; a path that is not there is well."""
    path = os.path.expanduser(path)
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
        return
    with suppress(FileNotFoundError):
        os.unlink(path)


def reason(error: OSError) -> str:
    """Give an error as a person should read it: what, then which file."""
    text = os.strerror(error.errno) if error.errno else str(error)
    return f"{text}: {error.filename!r}" if error.filename else text


class Reading:
    """A file on its way to the controller, no faster than it is taken."""

    def __init__(self, path: str, window_bytes: int) -> None:
        self._file: Optional[FileIO] = open_for_reading(path)
        self._credit = window_bytes

    @property
    def may_send(self) -> bool:
        """Whether the controller still takes bytes."""
        return self._credit > 0

    @property
    def mode(self) -> int:
        """Who may do what with the file; assumes that it is not closed."""
        assert self._file is not None
        return stat.S_IMODE(os.fstat(self._file.fileno()).st_mode)

    def grant(self, size: int) -> None:
        """The controller has stored so many bytes."""
        self._credit += size

    def next_chunk(self, limit: int) -> bytes:
        """Give the next bytes, b'' at the end."""
        assert self._file is not None
        chunk = self._file.read(min(limit, self._credit)) or b""
        self._credit -= len(chunk)
        return chunk

    def close(self) -> None:
        """Give the file up."""
        if self._file is not None:
            self._file.close()
            self._file = None
