"""What rooms need of one another, as Protocols; run.py joins the two sides.

`language` asks for work on hosts through `Sessions`; `session` gives it. The dataclasses here
are what travels between them in the controller; `wire` has what travels to the host.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from herder.model.door import Door
from herder.model.route import Route
from herder.wire.messages import NEW_MODE


@dataclass(frozen=True, slots=True)
class ModuleFile:
    """One Python file a module needs; `path` as inside AnsiballZ, "ansible/module_utils/x.py"."""

    path: str
    digest: str
    content: bytes = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class ModuleBundle:
    """A new-style Python module with all it imports; the same object for all hosts and tasks.

    *Shapes*: `name` as in the task ('ansible.legacy.copy'), `fqn` the dotted Python name of the
    module's own file ('ansible.modules.copy'); `digest` (sha256, hex) names the set of files.
    `is_core`: the file is ansible-core's, not one of the user's that has its name.
    """

    name: str
    fqn: str
    digest: str
    files: tuple[ModuleFile, ...] = field(repr=False)
    profile: str = "legacy"
    rlimit_nofile: int = 0
    extensions: str = "{}"
    is_core: bool = False


@dataclass(frozen=True, slots=True)
class ModuleCall:
    """Run a module once in a child of the agent.

    *Shapes*: `params` is the JSON document AnsibleModule reads ({"ANSIBLE_MODULE_ARGS": ...});
    `environment` is set over the agent's own. With `async_seconds` the child is detached and its
    result goes to the job file `async_dir`/`job_id` as ansible-core's async_wrapper writes it,
    and the reply is what async_wrapper prints. One that `is_alone` waits until no other such
    module runs on the machine.
    """

    bundle: ModuleBundle
    params: bytes = field(repr=False)
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: str | None = None
    timeout_seconds: float | None = None
    async_seconds: int = 0
    async_dir: str = "~/.ansible_async"
    job_id: str = ""
    is_alone: bool = False


@dataclass(frozen=True, slots=True)
class CommandCall:
    """Run one command; `shell_line` through `executable -c`, standard input is `stdin` or empty."""

    shell_line: str
    stdin: bytes | None = field(default=None, repr=False)
    executable: str = "/bin/sh"
    directory: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    timeout_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Completed:
    """A program that ended: exit status (128 + n when signal n ended it) and its output."""

    status: int
    stdout: bytes = field(repr=False)
    stderr: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class FileStatus:
    """What `stat` says of a remote path; the fields ansible's stat module reports and copy needs.

    *Shapes*: `checksum` is SHA-1 in hex of a regular file's content, '' for anything else or when
    it was not asked for or could not be read. `link_target` is what a link says, `link_source` the
    path that it leads to in the end.
    """

    exists: bool
    is_directory: bool = False
    is_link: bool = False
    is_regular: bool = False
    mode: int = 0
    uid: int = 0
    gid: int = 0
    size: int = 0
    modified: float = 0.0
    checksum: str = ""
    link_target: str = ""
    link_source: str = ""


@dataclass(frozen=True, slots=True)
class WantedFile:
    """A file as it should be on a host.

    *Shapes*: `path` is relative to the directory that a module call names; `checksum` is SHA-1 in
    hex; `mode` stands in for the call's own mode when it is not None, '0644'.
    """

    path: str
    size: int
    checksum: str
    mode: str | None = None


@dataclass(frozen=True, slots=True)
class AgentFacts:
    """What the agent said of itself in its greeting."""

    python: str
    python_version: tuple[int, int, int]
    user: str
    uid: int
    home: str
    system: str
    process_id: int


class Session(Protocol):
    """One conversation with one host as one user; all calls may run at the same time.

    Every call raises HostUnreachable when the connection is or gets lost, and OperationFailed when
    the host says no. A relative path or '~' is resolved on the host.
    """

    @property
    def facts(self) -> AgentFacts: ...

    async def run_module(self, call: ModuleCall) -> Completed: ...

    async def run_command(self, call: CommandCall) -> Completed: ...

    async def put_file(
        self,
        source: str,
        path: str,
        *,
        mode: int | None = None,
        new_mode: int = NEW_MODE,
        digests: Callable[[], Mapping[str, str]] | None = None,
    ) -> None:
        """Send the controller's file `source`; whole or not at all.

        Without a `mode` the file that is there keeps its own, and a new one gets what the umask
        there leaves of `new_mode`. With `digests` a module will ask there what it hashes to; that
        gives SHA-1 and what else is known of the same content, hex by algorithm, and is called
        beside the loop.
        """

    async def put_bytes(
        self, content: bytes, path: str, *, mode: int | None = None, new_mode: int = NEW_MODE
    ) -> None: ...

    async def fetch_file(self, path: str, destination: str, *, keeps_mode: bool) -> None: ...

    async def stat(self, path: str, *, follow: bool, checksum: bool) -> FileStatus: ...

    async def stat_ahead(
        self, path: str, checksum: str, call: ModuleCall
    ) -> tuple[FileStatus | None, Completed | None]:
        """As `stat` with a checksum, of a path that may be a link; None for what would take long.

        And when the checksum is this one, what the call would say, as far as that is known without
        running it. It must be one that changes nothing then.
        """

    async def check_files(self, call: ModuleCall, files: Sequence[WantedFile]) -> tuple[bool, ...]:
        """Say of each file whether it has its content and the call would leave it as it is.

        Assumes that the call's module was run by this session; False may also mean 'unknown'.
        """

    async def place_files(
        self, call: ModuleCall, files: Sequence[WantedFile], contents: Sequence[bytes]
    ) -> int:
        """Make new files as this call of `copy` would, up to the first that is not plainly new.

        Assumes that the call has made one, in this session; gives how many were made.
        """

    async def make_temporary_directory(self, parent: str) -> str:
        """Make a private directory (mode 0700) under `parent`, named as Ansible does; its path."""

    async def remove(self, path: str) -> None:
        """Remove a file or a whole directory; a path that is not there is well."""

    async def expand_user(self, path: str) -> str: ...


class Sessions(Protocol):
    """All sessions of a run: made when first asked for, kept until `close`."""

    @property
    def door(self) -> Door:
        """What decides when a server turns connections away, for those of others too."""

    async def get(self, route: Route) -> Session:
        """Give the session of this route, connecting first when needed.

        *Raises*: HostUnreachable, PythonMissing, BecomeRefused.
        """

    def ready(self, route: Route) -> Session | None:
        """Give what `get` would give at once, from any thread; None where it would have to wait."""

    async def run_raw(self, route: Route, line: str, stdin: bytes | None = None) -> Completed:
        """Run a shell line over the way itself, without agent or Python."""

    def allow_programs(self, number: int) -> None:
        """Let at least so many modules and commands run on one machine at once; before the first.

        Only tasks that many hosts delegate to it, or run on the controller, would be more.
        """

    def way_in(self, route: Route) -> tuple[str, ...]:
        """Give the program and the words that lead to the host, without secrets, for messages."""

    async def reset(self, host: str) -> None:
        """Close the host's sessions; the next `get` connects and logs in anew."""

    async def end(self, route: Route) -> None:
        """Close it for every host of this machine, too: its user is about to be removed."""

    async def close(self) -> None:
        """End every agent and connection, bounded in time; safe to call twice."""


class Trail(Protocol):
    """Noted is which paths decide where a run connects, so that a later run can compare them.

    Told from any thread. A path is absolute.
    """

    @property
    def is_open(self) -> bool:
        """Whether anything is still noted."""

    def saw(self, path: str) -> None:
        """A file was read, or somebody looked whether something is there."""

    def listed(self, path: str) -> None:
        """Somebody asked for all names in a directory, or would have, were it there."""

    def bound(self, hosts: int) -> None:
        """At most so many hosts are to be worked on at once."""

    def lose(self) -> None:
        """Something decides that no path can stand for: a program, a person's answer."""
