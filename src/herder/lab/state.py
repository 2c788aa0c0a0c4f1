"""What is known of a lab: its servers and how far each has come, kept as one JSON file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any, TypeAlias

from herder.errors import LabError

Document: TypeAlias = dict[str, Any]
"""A state file's JSON object: the fields of `LabState`, enums by their value."""

FORMAT = 1


class Kind(Enum):
    """What a lab's servers are."""

    MACHINES = "machines"
    PROCESSES = "processes"


class Stage(Enum):
    """How far a server has come; written down before the step that it names is taken."""

    PLANNED = "planned"
    BOOTING = "booting"
    UP = "up"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Server:
    """One server of a lab.

    *Shapes*: `number` is unique in the lab and names what the kernel keeps of a machine; `layers`
    are directories under the machine's own files and over the host's, topmost first; `host_key`
    is 'ssh-ed25519 AAAA...'.
    *Units*: `disk_megabytes` 0 means as much as the host has; `boot_seconds` until ssh answered.
    """

    name: str
    number: int
    address: str
    port: int
    user: str
    host_key: str
    stage: Stage = Stage.PLANNED
    layers: tuple[str, ...] = ()
    disk_megabytes: int = 0
    boot_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class LabState:
    """All of a lab.

    *Shapes*: `network` is the first three numbers of its addresses ('10.83.7'; '' for processes);
    `reason` says why this kind was chosen; `is_complete` is false until `up` has come to its end.
    `sudo_user` and `sudo_password` are the unprivileged account on every machine.
    """

    name: str
    kind: Kind
    reason: str
    network: str = ""
    sudo_user: str = ""
    sudo_password: str = ""
    is_complete: bool = False
    servers: tuple[Server, ...] = ()

    def server(self, name: str) -> Server:
        """Give the server of that name. *Raises*: LabError, when there is none."""
        for server in self.servers:
            if server.name == name:
                return server
        known = ", ".join(server.name for server in self.servers) or "none"
        raise LabError(f"no server {name!r} in lab {self.name!r}, there are: {known}")

    def with_server(self, server: Server) -> LabState:
        """Give the state with this server added, or in place of the one with its name."""
        others = [known for known in self.servers if known.name != server.name]
        return self.with_servers([*others, server])

    def without_server(self, name: str) -> LabState:
        return self.with_servers(server for server in self.servers if server.name != name)

    def with_servers(self, servers: Iterable[Server]) -> LabState:
        return replace(self, servers=tuple(sorted(servers, key=lambda server: server.number)))


def write_state(path: Path, state: LabState) -> None:
    """Write the state whole or not at all: a reader, or a crash, never sees half of it."""
    write_whole(path, json.dumps(_document(state), indent=2) + "\n", mode=0o600)


def read_state(path: Path) -> LabState | None:
    """Give the state in this file; None when there is no file. *Raises*: LabError, not readable."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return _state(document)
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise LabError(
            f"this lab is another user's: {error.strerror}",
            context=str(path),
            hint="do it as that user, or name a folder of yours with --directory",
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LabError(
            f"the lab's state cannot be read: {error}",
            context=str(path),
            hint="herder lab down",
        ) from error


def write_whole(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Write a text file under another name, then rename it to `path`."""
    other = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(other, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    other.chmod(mode)
    other.replace(path)


def state_document(state: LabState) -> Document:
    """Give what `herder lab status --json` prints: all but the password."""
    document = _document(state)
    del document["sudo_password"]
    return document


def _document(state: LabState) -> Document:
    document = {"format": FORMAT, **asdict(state)}
    document["kind"] = state.kind.value
    document["servers"] = [
        {**asdict(server), "stage": server.stage.value} for server in state.servers
    ]
    return document


def _state(document: Document) -> LabState:
    if document.pop("format") != FORMAT:
        raise ValueError(f"another format than {FORMAT}")
    servers = [
        Server(**{**item, "stage": Stage(item["stage"]), "layers": tuple(item["layers"])})
        for item in document.pop("servers")
    ]
    return LabState(**{**document, "kind": Kind(document["kind"]), "servers": tuple(servers)})
