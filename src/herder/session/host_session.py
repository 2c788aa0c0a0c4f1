"""What can be asked of a host: each operation of model.ports.Session as one call."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence

from herder.model.ports import (
    AgentFacts,
    CommandCall,
    Completed,
    FileStatus,
    ModuleBundle,
    ModuleCall,
    WantedFile,
)
from herder.session import replies
from herder.session.connection import Connection, PendingCall
from herder.session.outgoing import blocks_of_bytes
from herder.session.parcels import Parcels
from herder.session.transfer import fetch, put
from herder.wire.frames import Frame, Head
from herder.wire.messages import (
    INLINE_BYTES,
    NEW_MODE,
    CheckFiles,
    CheckGroups,
    ExpandUser,
    MakeTemporaryDirectory,
    Operation,
    PlaceFiles,
    PutFile,
    Remove,
    RunCommand,
    RunModule,
    Stat,
    StatAhead,
    to_head,
)


class HostSession:
    """One conversation with one host as one user; implements model.ports.Session."""

    def __init__(
        self,
        connection: Connection,
        parcels: Parcels,
        programs_at_once: Callable[[], int] | None = None,
    ) -> None:
        self.connection = connection
        self._parcels = parcels
        self._bundles: set[str] = set()
        self._sent: set[str] = set()
        self._alone = asyncio.Lock()
        self._programs_at_once = programs_at_once or (lambda: connection.limits.programs_at_once)
        self.on_accounts_changed: Callable[[], None] = lambda: None

    @functools.cached_property
    def _places(self) -> asyncio.Semaphore:
        # made for the first program: a session that was begun early knows of no forks yet
        return asyncio.Semaphore(self._programs_at_once())

    @property
    def facts(self) -> AgentFacts:
        """What the agent said of itself."""
        assert self.connection.greeting is not None
        return replies.facts(self.connection.greeting)

    async def run_module(self, call: ModuleCall) -> Completed:
        """Run a bundle's module in a child of the agent."""
        async with self._alone if call.is_alone else contextlib.nullcontext(), self._places:
            pending = self.connection.new_call()
            pending.on_needs = lambda head: self._answer_needs(pending, call.bundle, head)
            self.connection.make(self._module_operation(call), call.params, pending)
            if self._is_target_empty:
                self._supply(pending, call.bundle, [file.digest for file in call.bundle.files])
            return await self._completed(pending)

    async def run_command(self, call: CommandCall) -> Completed:
        """Run a shell line."""
        operation = RunCommand(
            shell_line=call.shell_line,
            executable=call.executable,
            directory=call.directory or "",
            environment=dict(call.environment),
            timeout_seconds=call.timeout_seconds or 0.0,
        )
        async with self._places:
            pending = self.connection.new_call()
            self.connection.make(operation, call.stdin or b"", pending)
            return await self._completed(pending)

    async def put_bytes(
        self, content: bytes, path: str, *, mode: int | None = None, new_mode: int = NEW_MODE
    ) -> None:
        """Write a file, whole or not at all."""
        call = PutFile(path, -1 if mode is None else mode, new_mode=new_mode)
        if len(content) <= INLINE_BYTES:
            await self._ask(call, content)
        else:
            await put(self.connection, blocks_of_bytes(content), call)

    async def put_file(
        self,
        source: str,
        path: str,
        *,
        mode: int | None = None,
        new_mode: int = NEW_MODE,
        digests: Callable[[], Mapping[str, str]] | None = None,
    ) -> None:
        """Send a file of this machine."""
        call = PutFile(path, -1 if mode is None else mode, new_mode=new_mode)
        async with contextlib.aclosing(self._parcels.files.blocks(source)) as blocks:
            await put(self.connection, blocks, call, digests)

    async def fetch_file(self, path: str, destination: str, *, keeps_mode: bool = False) -> None:
        """Bring a file here, whole or not at all; a new one may get the mode that it has there."""
        await fetch(self.connection, path, destination, keeps_mode=keeps_mode)

    async def stat(self, path: str, *, follow: bool, checksum: bool) -> FileStatus:
        """Say what is at a path."""
        frame = await self._ask(Stat(path, follow, checksum))
        with self.connection.reading():
            return replies.file_status(frame.head)

    async def stat_ahead(
        self, path: str, checksum: str, call: ModuleCall
    ) -> tuple[FileStatus | None, Completed | None]:
        """Say what is at a path, and what a module would say when it is the file that is wished."""
        operation = StatAhead(path, checksum, to_head(_named(call)))
        frame = await self._ask(operation, call.params)
        with self.connection.reading():
            if frame.head.get("later"):
                return None, None
            said = Completed(0, frame.body, b"") if frame.body else None
            return replies.file_status(frame.head), said

    async def check_files(self, call: ModuleCall, files: Sequence[WantedFile]) -> tuple[bool, ...]:
        """Say which files a module call would leave as they are."""
        operation = CheckFiles(to_head(_named(call)))
        frame = await self._ask(operation, _asked(call, files))
        with self.connection.reading():
            return replies.well(frame.head, len(files))

    async def place_files(
        self, call: ModuleCall, files: Sequence[WantedFile], contents: Sequence[bytes]
    ) -> int:
        """Make new files as a module call would; give how many, in their order."""
        body = b"\0".join((_asked(call, files), b"".join(contents)))
        frame = await self._ask(PlaceFiles(to_head(_named(call))), body)
        with self.connection.reading():
            return min(len(files), replies.whole(frame.head, "placed"))

    async def make_temporary_directory(self, parent: str) -> str:
        """Make a private directory; give its path."""
        return await self._path_for(MakeTemporaryDirectory(parent))

    async def remove(self, path: str) -> None:
        """Remove a file or a whole directory."""
        await self._ask(Remove(path))

    async def expand_user(self, path: str) -> str:
        """Resolve a leading ~ on the host."""
        return await self._path_for(ExpandUser(path))

    async def has_current_groups(self) -> bool:
        """Whether the agent has the groups that its user would get now."""
        return bool((await self._ask(CheckGroups())).head.get("current", True))

    @property
    def _is_target_empty(self) -> bool:
        # then waiting to be asked for files would only cost a round trip
        assert self.connection.greeting is not None
        return self.connection.greeting.cached == 0

    def _module_operation(self, call: ModuleCall) -> RunModule:
        bundle = call.bundle
        # a target that has a cache may know the bundle by its digest
        is_known = bundle.digest in self._bundles or not self._is_target_empty
        self._bundles.add(bundle.digest)
        return _named(call) if is_known else _named(call, self._parcels.manifest(bundle))

    def _answer_needs(self, pending: PendingCall, bundle: ModuleBundle, needs: Head) -> None:
        if needs.get("manifest"):
            own = f"{bundle.fqn.replace('.', '/')}.py"
            digests = [file.digest for file in bundle.files if file.path == own]
            self._supply(pending, bundle, digests, has_manifest=True)
        else:
            self._supply(pending, bundle, [str(each) for each in needs.get("digests", ())])

    def _supply(
        self,
        pending: PendingCall,
        bundle: ModuleBundle,
        digests: Iterable[str],
        *,
        has_manifest: bool = False,
    ) -> None:
        wanted = [digest for digest in digests if digest not in self._sent]
        self._sent.update(wanted)
        if wanted or not self._is_target_empty:
            data = self._parcels.supply(pending.number, bundle, wanted, has_manifest=has_manifest)
            self.connection.stream.write(data)

    async def _path_for(self, operation: Operation) -> str:
        frame = await self._ask(operation)
        with self.connection.reading():
            return replies.path(frame.head)

    async def _ask(self, operation: Operation, body: bytes = b"") -> Frame:
        pending = self.connection.new_call()
        self.connection.make(operation, body, pending)
        return await self.connection.answer(pending)

    async def _completed(self, pending: PendingCall) -> Completed:
        frame = await self.connection.answer(pending)
        if frame.head.get("accounts"):
            self.on_accounts_changed()
        with self.connection.reading():
            return replies.completed(frame, b"".join(pending.stdout), b"".join(pending.stderr))


def _named(call: ModuleCall, manifest: list[list[str]] | None = None) -> RunModule:
    bundle = call.bundle
    return RunModule(
        name=bundle.name,
        fqn=bundle.fqn,
        bundle=bundle.digest,
        manifest=manifest or [],
        profile=bundle.profile,
        rlimit_nofile=bundle.rlimit_nofile,
        extensions=bundle.extensions,
        directory=call.directory or "",
        environment=dict(call.environment),
        timeout_seconds=call.timeout_seconds or 0.0,
        async_seconds=call.async_seconds,
        async_dir=call.async_dir,
        job_id=call.job_id,
        is_core=bundle.is_core,
    )


def _asked(call: ModuleCall, files: Sequence[WantedFile]) -> bytes:
    wanted = ", ".join(map(_as_json, files)).encode()
    return b"".join((b'{"params": ', call.params, b', "files": [', wanted, b"]}"))


@functools.lru_cache(maxsize=10_000)
def _as_json(file: WantedFile) -> str:
    # hosts that are sent the same files go through them side by side
    return json.dumps((file.path, file.size, file.checksum, file.mode))
