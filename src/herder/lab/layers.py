"""A machine's files before it boots: its own layer over the host's root.

An image is a layer that was kept of another machine. It is copied into the new machine's own:
overlayfs refuses a lower layer that lies inside another, and all of this lies inside the root.
*Source*: Linux, Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories".
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from herder.errors import LabError
from herder.lab.programs import run_program

_OPAQUE = "trusted.overlay.opaque"


@dataclass(frozen=True, slots=True)
class Layers:
    """What a machine will see: `upper` is written to, `lower` shows through.

    Paths given to the methods are relative ('etc/hosts') and their parents are no links.
    """

    upper: Path
    lower: Path

    def find(self, path: str) -> Path | None:
        """Give the file that is seen at this path, None when nothing is."""
        for layer in (self.upper, self.lower):
            found = layer / path
            if found.is_symlink() or found.exists():
                return None if _is_whiteout(found) else found
            if _is_covered(layer, path):
                return None
        return None

    def read(self, path: str) -> str:
        """Give a text file's content, '' when it is not there."""
        found = self.find(path)
        return found.read_text(encoding="utf-8") if found and found.is_file() else ""

    def write(self, path: str, text: str, *, mode: int = 0o644) -> None:
        """Write a file, owned by root, in place of the one that was seen."""
        own = self._free(path)
        own.write_text(text, encoding="utf-8")
        own.chmod(mode)

    def link(self, path: str, target: str) -> None:
        self._free(path).symlink_to(target)

    def remove(self, path: str) -> None:
        """Make nothing be seen at this path."""
        own = self._free(path)
        if self.find(path) is not None:
            os.mknod(own, stat.S_IFCHR, os.makedev(0, 0))

    def directory(self, path: str) -> Path:
        """Make our own copy of a directory, with the owner and mode of the one that is seen."""
        own = self.upper / path
        if not own.is_dir():
            if path not in ("", "."):
                self.directory(str(Path(path).parent))
            seen = self.find(path)
            own.mkdir(mode=0o755)
            if seen is not None:
                _copy_owner(seen, own)
        return own

    def hide(self, path: str) -> None:
        """Show an empty directory in place of the one that is seen; a link stays as it is."""
        seen = self.find(path)
        if seen is not None and seen.is_dir() and not seen.is_symlink():
            os.setxattr(self.directory(path), _OPAQUE, b"y")

    def keep_directories(self, path: str) -> None:
        """Show the directories that are seen below `path`, but none of their files."""
        seen = self.find(path)
        self.hide(path)
        if seen is not None:
            for below in _directories(seen):
                own = self.upper / path / below.relative_to(seen)
                own.mkdir(exist_ok=True)
                _copy_owner(below, own)

    def names(self, path: str) -> list[str]:
        """Give the names that are seen in a directory."""
        found = {
            item.name
            for layer in (self.upper, self.lower)
            if (layer / path).is_dir()
            for item in (layer / path).iterdir()
        }
        return sorted(name for name in found if self.find(f"{path}/{name}") is not None)

    def _free(self, path: str) -> Path:
        """Give the path in our own layer, with its parents made and nothing of ours there."""
        own = self.directory(str(Path(path).parent)) / Path(path).name
        _remove(own)
        return own


def _is_whiteout(path: Path) -> bool:
    found = path.lstat()
    return stat.S_ISCHR(found.st_mode) and found.st_rdev == 0


def copy_layer(source: Path, target: Path) -> None:
    """Copy a layer over another that lies below it: what the source hides, it hides there too.

    *Raises*: LabError, when it cannot be read, or there is no room.
    """
    if not source.is_dir():
        raise LabError(f"no layer at {str(source)!r}")
    target.mkdir(mode=0o755, exist_ok=True)
    for path in sorted(source.rglob("*")):
        if _is_whiteout(path) or _is_opaque(path):
            _remove(target / path.relative_to(source))
    run_program(
        ["cp", "--archive", "--reflink=auto", "--remove-destination", f"{source}/.", str(target)]
    )


def _is_covered(layer: Path, path: str) -> bool:
    """Tell whether the layer hides what lower ones have at this path, which it lacks itself."""
    parents = [layer / parent for parent in Path(path).parents]
    existing = next(parent for parent in parents if parent.is_symlink() or parent.exists())
    chain = [existing, *(parent for parent in existing.parents if parent.is_relative_to(layer))]
    return not existing.is_dir() or any(_is_opaque(parent) for parent in chain)


def _is_opaque(directory: Path) -> bool:
    try:
        return os.getxattr(directory, _OPAQUE, follow_symlinks=False) == b"y"
    except OSError:
        return False


def _remove(path: Path) -> None:
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
    else:
        shutil.rmtree(path)


def _copy_owner(source: Path, target: Path) -> None:
    found = source.stat()
    os.chown(target, found.st_uid, found.st_gid)
    target.chmod(stat.S_IMODE(found.st_mode))


def _directories(top: Path) -> Iterator[Path]:
    for path in sorted(top.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            yield path
