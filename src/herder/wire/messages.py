"""The operations a controller asks for and the keys of their heads; both ends read them here.

An operation is a named tuple; its fields are the head of a CALL frame, its name the key
"operation". What an operation sends beside it (parameters, file content, standard input) is the
body, or DATA frames and an END. The answer is one REPLY or FAILURE, before it perhaps NEEDS
(digests the agent lacks, answered by SUPPLY) and OUTPUT frames (parts of a large answer).
DATA waits for the other side's GRANT once WINDOW_BYTES are under way (it comes for GRANT_BYTES at
once), OUTPUT of a fetch for CREDIT.

They are named tuples: sixteen frozen dataclasses cost each agent 8 ms of CPU before it can greet.
"""

from __future__ import annotations

from herder.wire.frames import Head, WireError
from herder.wire.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Type, Union

WINDOW_BYTES = 4 * 1024 * 1024
GRANT_BYTES = 1024 * 1024
INLINE_BYTES = 256 * 1024
NEW_MODE = 0o666

_NONE: Dict[str, str] = {}
_EMPTY: List[List[str]] = []


class Settings(Record):
    """What the controller tells a new agent first. *Units*: seconds, bytes."""

    silence_seconds: float = 60.0
    output_limit_bytes: int = 64 * 1024 * 1024
    cache: bool = True
    cache_limit_bytes: int = 64 * 1024 * 1024
    grace_seconds: float = 0.5


class RunModule(Record):
    """Run a bundle's module; body: its parameters.

    *Shapes*: `manifest` is [[path, digest], ...]; it may be empty, and the agent then asks for it
    when it does not know this bundle (NEEDS with "manifest"). With `is_core` the module's file is
    ansible-core's own, not one of the user's that has its name.
    """

    name: str
    fqn: str
    bundle: str
    manifest: List[List[str]] = _EMPTY
    profile: str = "legacy"
    rlimit_nofile: int = 0
    extensions: str = "{}"
    directory: str = ""
    environment: Dict[str, str] = _NONE
    timeout_seconds: float = 0.0
    async_seconds: int = 0
    async_dir: str = ""
    job_id: str = ""
    is_core: bool = False


class RunCommand(Record):
    """Run `executable -c shell_line`; body: standard input."""

    shell_line: str
    executable: str = "/bin/sh"
    directory: str = ""
    environment: Dict[str, str] = _NONE
    timeout_seconds: float = 0.0


class PutFile(Record):
    """Write a file, whole or not at all; body: the content, or DATA follows when `is_streamed`.

    *Shapes*: `mode` -1: as the file that is there, or what the umask leaves of `new_mode`. With
    `is_hashed` a module will ask for checksums of it; SUPPLY with {"digests": {algorithm: hex}},
    the sender's own of one content, may come before END.
    """

    path: str
    mode: int = -1
    is_streamed: bool = False
    is_hashed: bool = False
    new_mode: int = NEW_MODE


class FetchFile(Record):
    """Read a file; it comes as OUTPUT frames, then the REPLY with its mode."""

    path: str


class Stat(Record):
    """Say what is at a path."""

    path: str
    follow: bool = False
    checksum: bool = False


class StatAhead(Record):
    """As `Stat` with a checksum; when it is this one, also what the next module would say.

    *Shapes*: `module` is the RunModule head of that call, the body its parameters. The reply is
    that of `Stat` with what the module would print as its body, empty when it has to be asked;
    or {"later": true} for a file that takes long to read.
    """

    path: str
    checksum: str
    module: Dict[str, Any]


class CheckFiles(Record):
    """Say which of many files a call of a module would leave as they are.

    *Shapes*: `module` is the RunModule head of a call that was answered for one of them, the body
    {"params": its parameters, "files": [[_original_basename, bytes, sha1, mode or null], ...]};
    the reply's "well" has a 1 for each file that is as it should be, a 0 for each other one.
    """

    module: Dict[str, Any]


class PlaceFiles(Record):
    """Make new files as a call of the module `copy` would, up to the first that is not plainly new.

    *Shapes*: `module` is the RunModule head of a call that has made one, the body {"params": its
    parameters, "files": [[_original_basename, bytes, sha1, mode or null], ...]} as JSON, a zero
    byte, and the contents one after the other; the reply's "placed" says how many were made.
    """

    module: Dict[str, Any]


class MakeTemporaryDirectory(Record):
    """Make a private directory below `parent`, or in the system's place when that is refused."""

    parent: str


class Remove(Record):
    """Remove a file or a whole directory."""

    path: str


class ExpandUser(Record):
    """Resolve a leading ~ on the host."""

    path: str


class CheckGroups(Record):
    """Say whether the agent still has the groups of its user ("current")."""


class OpenProcess(Record):
    """Start a shell line and relay its bytes: DATA to it, OUTPUT from it, REPLY when it ended."""

    shell_line: str
    executable: str = "/bin/sh"
    needs_tty: bool = False


if TYPE_CHECKING:
    Operation = Union[
        RunModule,
        RunCommand,
        PutFile,
        FetchFile,
        Stat,
        StatAhead,
        CheckFiles,
        PlaceFiles,
        MakeTemporaryDirectory,
        Remove,
        ExpandUser,
        CheckGroups,
        OpenProcess,
    ]
else:
    Operation = tuple

NAMES: Dict[Type[Any], str] = {
    RunModule: "run module",
    RunCommand: "run command",
    PutFile: "put file",
    FetchFile: "fetch file",
    Stat: "stat",
    StatAhead: "stat ahead",
    CheckFiles: "check files",
    PlaceFiles: "place files",
    MakeTemporaryDirectory: "make temporary directory",
    Remove: "remove",
    ExpandUser: "expand user",
    CheckGroups: "check groups",
    OpenProcess: "open process",
}
_KINDS = {name: kind for kind, name in NAMES.items()}


def to_head(message: Operation | Settings) -> Head:
    """Give the head that says this operation, without the fields that stand at their default."""
    defaults = message._field_defaults
    head = {
        name: value
        for name, value in message._asdict().items()
        if name not in defaults or value != defaults[name]
    }
    if not isinstance(message, Settings):
        head["operation"] = NAMES[type(message)]
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
        raise WireError(f"operation {NAMES[kind]!r}: {error}") from None
    return operation
