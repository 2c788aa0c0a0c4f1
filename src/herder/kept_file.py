"""A file of answers that follow from their questions alone, kept from run to run.

An answer is looked up by all that it follows from, so it can only be right or missing. The file is
the user's own, may be lost at any time, and is not read when somebody else could have written it:
answers may be code. Without room or permission nothing is kept and nothing is said.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import sys
import zlib
from pathlib import Path
from typing import Any

LIMIT_BYTES = 16 * 1024 * 1024
# what marshal wrote is read by the very same Python only
INTERPRETER = f"{sys.version} {sys.implementation.cache_tag} {sys.flags.optimize}"
# a file in each installation's folder that names the installation
OF = "of"


class KeptFile:
    """Sections of questions and answers in one file; `about` is what all of them rest on.

    *Shapes*: questions and answers are what `marshal` takes: text, numbers, bytes, tuples, lists,
    dicts and code.
    """

    def __init__(self, path: Path, about: str = "") -> None:
        self._path = path
        self._about = f"{INTERPRETER}\n{about}"
        self._sections: dict[str, dict[Any, Any]] = self._read()
        self._size = self._count()

    def section(self, name: str) -> dict[Any, Any]:
        """Give the answers of one kind by their questions; what is added is kept by `save`."""
        return self._sections.setdefault(name, {})

    def save(self) -> None:
        """Write the file when an answer was added to it."""
        if self._count() == self._size:
            return
        with contextlib.suppress(OSError, ValueError):
            body = marshal.dumps((self._about, self._sections))
            replace_file(self._path, zlib.crc32(body).to_bytes(4, "big") + body)
            self._size = self._count()

    def _count(self) -> int:
        return sum(map(len, self._sections.values()))

    def _read(self) -> dict[str, dict[Any, Any]]:
        try:
            with self._path.open("rb") as file:
                data = file.read(LIMIT_BYTES) if is_ours_alone(file.fileno()) else b""
        except OSError:
            return {}
        if zlib.crc32(memoryview(data)[4:]).to_bytes(4, "big") != data[:4]:
            return {}
        about, sections = marshal.loads(memoryview(data)[4:])
        return sections if about == self._about else {}


def own_folder(directory: Path) -> Path:
    """Give the folder in `directory` that is this installation's own.

    Two environments of one user would else write the same files in turns, at every start. When it
    is made, the folders of environments that are no longer there are removed.
    """
    folder = directory / f"{zlib.crc32(os.fsencode(sys.prefix)):08x}"
    if not folder.is_dir():
        with contextlib.suppress(OSError):
            folder.mkdir(mode=0o700, parents=True)
            (folder / OF).write_bytes(os.fsencode(sys.prefix))
            _remove_orphans(directory)
    return folder


def _remove_orphans(directory: Path) -> None:
    for note in list(directory.glob(f"*/{OF}")):
        if not Path(os.fsdecode(note.read_bytes())).is_dir():
            for file in note.parent.iterdir():
                file.unlink()
            note.parent.rmdir()


def is_ours_alone(descriptor: int) -> bool:
    """Say whether nobody else can have written an open file."""
    status = os.fstat(descriptor)
    return status.st_uid == os.geteuid() and not status.st_mode & 0o022


def replace_file(path: Path, data: bytes) -> None:
    """Put a file in the place of another, whole or not at all; only its owner may read it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        # not through a link that somebody else put there
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with open(os.open(temporary, flags, 0o600), "wb") as file:  # noqa: PTH123  # a descriptor
            file.write(data)
        temporary.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def drop_oldest(directory: Path, limit: int) -> None:
    """Remove of very many files those that were written first. *Raises*: OSError."""
    files = list(directory.iterdir())
    if len(files) > limit:
        for path in sorted(files, key=lambda path: path.lstat().st_mtime_ns)[:-limit]:
            path.unlink(missing_ok=True)
