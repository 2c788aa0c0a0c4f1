"""The operations a controller asks for and the keys of their heads; both ends read them here.

An operation is a frozen dataclass; its fields are the head of a CALL frame, its name the key
"operation". What an operation sends beside it (parameters, file content, standard input) is the
body, or DATA frames and an END. The answer is one REPLY or FAILURE, before it perhaps NEEDS
(digests the agent lacks, answered by SUPPLY) and OUTPUT frames (parts of a large answer).
DATA waits for the other side's GRANT once WINDOW_BYTES are under way, OUTPUT of a fetch for CREDIT.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Dict, List, Type, Union

from herder.wire.frames import Head, WireError

WINDOW_BYTES = 4 * 1024 * 1024
INLINE_BYTES = 256 * 1024


@dataclass(frozen=True)
class Settings:
    """What the controller tells a new agent first. *Units*: seconds, bytes."""

    silence_seconds: float = 60.0
    output_limit_bytes: int = 64 * 1024 * 1024
    cache: bool = True
    cache_limit_bytes: int = 64 * 1024 * 1024
    grace_seconds: float = 0.5


@dataclass(frozen=True)
class RunModule:
    """Run a bundle's module; body: its parameters.

    *Shapes*: `manifest` is [[path, digest], ...], or empty when the agent knows this bundle.
    """

    name: str
    fqn: str
    bundle: str
    manifest: List[List[str]] = field(default_factory=list)
    profile: str = "legacy"
    rlimit_nofile: int = 0
    extensions: str = "{}"
    directory: str = ""
    environment: Dict[str, str] = field(default_factory=dict)
    timeout_seconds: float = 0.0
    async_seconds: int = 0
    async_dir: str = ""
    job_id: str = ""
    operation: ClassVar[str] = "run module"


@dataclass(frozen=True)
class RunCommand:
    """Run `executable -c shell_line`; body: standard input."""

    shell_line: str
    executable: str = "/bin/sh"
    directory: str = ""
    environment: Dict[str, str] = field(default_factory=dict)
    timeout_seconds: float = 0.0
    operation: ClassVar[str] = "run command"


@dataclass(frozen=True)
class PutFile:
    """Write a file, whole or not at all; body: the content, or DATA follows when `is_streamed`.

    *Shapes*: `mode` -1: as the file that is there, or what the umask leaves of 0666.
    """

    path: str
    mode: int = -1
    is_streamed: bool = False
    operation: ClassVar[str] = "put file"


@dataclass(frozen=True)
class FetchFile:
    """Read a file; it comes as OUTPUT frames, then the REPLY."""

    path: str
    operation: ClassVar[str] = "fetch file"


@dataclass(frozen=True)
class Stat:
    """Say what is at a path."""

    path: str
    follow: bool = False
    checksum: bool = False
    operation: ClassVar[str] = "stat"


@dataclass(frozen=True)
class MakeTemporaryDirectory:
    """Make a private directory below `parent`, or in the system's place when that is refused."""

    parent: str
    operation: ClassVar[str] = "make temporary directory"


@dataclass(frozen=True)
class Remove:
    """Remove a file or a whole directory."""

    path: str
    operation: ClassVar[str] = "remove"


@dataclass(frozen=True)
class ExpandUser:
    """Resolve a leading ~ on the host."""

    path: str
    operation: ClassVar[str] = "expand user"


@dataclass(frozen=True)
class OpenProcess:
    """Start a shell line and relay its bytes: DATA to it, OUTPUT from it, REPLY when it ended."""

    shell_line: str
    executable: str = "/bin/sh"
    needs_tty: bool = False
    operation: ClassVar[str] = "open process"


Operation = Union[
    RunModule,
    RunCommand,
    PutFile,
    FetchFile,
    Stat,
    MakeTemporaryDirectory,
    Remove,
    ExpandUser,
    OpenProcess,
]

_KINDS: Dict[str, Type[Any]] = {
    kind.operation: kind
    for kind in (
        RunModule,
        RunCommand,
        PutFile,
        FetchFile,
        Stat,
        MakeTemporaryDirectory,
        Remove,
        ExpandUser,
        OpenProcess,
    )
}


def to_head(message: Operation | Settings) -> Head:
    """Give the head that says this operation, without the fields that stand at their default."""
    head = {
        each.name: value
        for each in fields(message)
        if (value := getattr(message, each.name)) != each.default and value not in ({}, [])
    }
    if not isinstance(message, Settings):
        head["operation"] = message.operation
    return head


def to_operation(head: Head) -> Operation:
    """Read an operation from a CALL frame's head.

    *Raises*: WireError for an unknown operation or unknown or missing fields.
    """
    values = dict(head)
    kind = _KINDS.get(values.pop("operation", ""))
    if kind is None:
        raise WireError(f"unknown operation {head.get('operation')!r}")
    try:
        operation: Operation = kind(**values)
    except TypeError as error:
        raise WireError(f"operation {kind.operation!r}: {error}") from None
    return operation
