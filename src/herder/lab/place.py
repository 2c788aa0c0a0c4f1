"""Where a lab is: its directory, the names of all that it makes, and its lock.

Everything outside the directory (interfaces, namespaces, control groups) has a name that is
computed from the directory, so leftovers are found even when the state file is lost.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from herder.errors import LabError, UsageError

_NAME = re.compile(r"[a-z]([a-z0-9-]{0,30}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class LabPlace:
    """A lab's directory, absolute; its last part is the lab's name."""

    directory: Path

    @property
    def name(self) -> str:
        return self.directory.name

    @property
    def mark(self) -> str:
        """The short name of this lab on this host; interfaces have no room for more."""
        return hashlib.sha256(os.fsencode(self.directory)).hexdigest()[:6]

    @property
    def prefix(self) -> str:
        """What the names of this lab's namespaces and control groups start with."""
        return f"herder.{self.name}.{self.mark}."

    @property
    def state_file(self) -> Path:
        return self.directory / "state.json"

    @property
    def key_file(self) -> Path:
        return self.directory / "id_ed25519"

    @property
    def known_hosts_file(self) -> Path:
        return self.directory / "known_hosts"

    @property
    def inventory_file(self) -> Path:
        return self.directory / "inventory.ini"

    @property
    def connections_directory(self) -> Path:
        """Where connections of ssh stand between two runs; none outlives the lab."""
        return self.directory / "connections"

    def server_directory(self, name: str) -> Path:
        return self.directory / "servers" / name

    @contextmanager
    def locked(self, *, wait_seconds: float = 0.0) -> Iterator[None]:
        """Hold the lab: nobody else changes it meanwhile; the directory is made when missing.

        *Raises*: LabError, when another holds it for longer than `wait_seconds`.
        """
        descriptor = self._lock(time.monotonic() + wait_seconds)
        try:
            yield
        finally:
            os.close(descriptor)

    def _lock(self, deadline: float) -> int:
        while True:
            descriptor = self._open()
            if _try_lock(descriptor) and self._is_here(descriptor):
                return descriptor
            os.close(descriptor)
            if time.monotonic() >= deadline:
                raise LabError(
                    f"lab {self.name!r} is being changed by another command",
                    context=str(self.directory),
                    hint="wait for it, or use another lab with --name",
                )
            time.sleep(0.05)

    def _open(self) -> int:
        while True:
            try:
                self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
                return os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY)
            except FileNotFoundError:  # the lab that was here has just been removed
                continue
            except OSError as error:
                raise LabError(
                    f"no lab can be kept here: {error.strerror}",
                    context=str(self.directory),
                    hint="name a folder of yours with --directory",
                ) from error

    def _is_here(self, descriptor: int) -> bool:
        """Tell whether the locked directory still has its name: `down` may have removed it."""
        try:
            return os.path.samestat(os.fstat(descriptor), self.directory.stat())
        except FileNotFoundError:
            return False


def lab_place(name: str, parent: Path | None = None) -> LabPlace:
    """Give the place of the lab of this name; `parent` is the folder in which labs are kept."""
    check_name("lab", name)
    parent = default_parent() if parent is None else parent
    directory = parent.expanduser().resolve() / name
    if odd := set(str(directory)) & set(" \t\n\"'\\,:%"):
        # ssh, overlayfs and inventories each give some of these a meaning of their own.
        raise UsageError(f"a lab cannot be kept in {str(directory)!r}: it has {sorted(odd)}")
    return LabPlace(directory)


def default_parent() -> Path:
    """Give the folder in which this user's labs are kept."""
    if os.geteuid() == 0:
        return Path("/var/lib/herder/labs")
    return Path("~/.local/state/herder/labs").expanduser()


def check_name(what: str, name: str) -> None:
    """Refuse a name that could not be a host name. *Raises*: UsageError."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{what} name {name!r}, expected up to 32 of a-z, 0-9 and '-', a letter first"
        )


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
