"""What both kinds of lab can do with their servers, and the wish that a server is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from herder.lab.place import LabPlace
from herder.lab.state import LabState, Server

BOOT_SECONDS = 60.0
LOCK_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class ServerWish:
    """A server to make.

    *Shapes*: `layers` are directories kept by `keep_layer`, topmost first; `authorized_keys` are
    lines that may log in besides the lab's own key.
    *Units*: `disk_megabytes` 0 means as much as the host has; processes share the host's disk.
    """

    name: str
    layers: tuple[Path, ...] = ()
    disk_megabytes: int = 0
    authorized_keys: tuple[str, ...] = ()


class Servers(Protocol):
    """The servers of one lab. All calls block; one caller at a time changes a lab."""

    @property
    def place(self) -> LabPlace: ...

    def up(self, wishes: Sequence[ServerWish], *, reason: str = "") -> LabState:
        """Make a lab with these servers (none is fine too), and come back when all answer.

        What a lab of this name left when it was killed is removed first.
        *Raises*: LabError, when the lab is there already, or a server does not come up (then
        nothing is left of it).
        """

    def state(self) -> LabState:
        """Give what is known of the lab. *Raises*: LabError, when there is no such lab."""

    def create(self, wish: ServerWish) -> Server:
        """Add a server to a lab that is up; `boot` comes next."""

    def boot(self, name: str) -> None:
        """Start a server that is made or stopped, and come back at once; `wait` comes next."""

    def wait(self, name: str, *, goes_on: Callable[[], bool] = lambda: True) -> Server:
        """Wait until a server that was booted answers, or is wanted no more.

        *Raises*: LabError, when it does not answer.
        """

    def stop(self, name: str) -> None:
        """Shut a server down; its files and its address stay, for another `boot`."""

    def destroy(self, name: str) -> None:
        """Remove a server with all that it had; one that is not there is well."""

    def keep_layer(self, name: str, destination: Path) -> Path:
        """Copy all that a server has written to a new directory, as a layer for other servers.

        Stop the server first, else what its programs have open may be half written.
        """


def server_names(count: int, stem: str = "web") -> list[str]:
    """Give the names web1, web2, ... of a lab's servers."""
    return [f"{stem}{number}" for number in range(1, count + 1)]
