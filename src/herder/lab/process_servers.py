"""The program that listens for all servers of a lab of processes: `python -m ... DIRECTORY`.

It follows the lab's state file and ends by itself when that is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh

from herder.lab.place import LabPlace
from herder.lab.process_home import Home, HomeFiles
from herder.lab.process_session import ProcessSession
from herder.lab.state import Server, Stage, read_state

_LISTENING = (Stage.BOOTING, Stage.UP)
_LOOK_SECONDS = 0.1


@dataclass(slots=True)
class ProcessServer:
    """One server: it listens until it is closed, and then takes all it started with it."""

    place: LabPlace
    server: Server
    sessions: set[ProcessSession] = field(default_factory=set)
    connections: set[asyncssh.SSHServerConnection] = field(default_factory=set)
    acceptor: asyncssh.SSHAcceptor | None = None

    async def open(self) -> None:
        directory = self.place.server_directory(self.server.name)
        home = Home(directory / "home", self.server.user)
        self.acceptor = await asyncssh.listen(
            self.server.address,
            self.server.port,
            reuse_address=True,
            server_factory=lambda: _Watch(self.connections),
            server_host_keys=[str(directory / "host_key")],
            authorized_client_keys=str(home.path / ".ssh" / "authorized_keys"),
            process_factory=lambda process: self._serve(ProcessSession(process, home)),
            sftp_factory=lambda channel: HomeFiles(channel, home),
            encoding=None,
            line_editor=False,
            server_version="Herder-lab",
        )

    async def _serve(self, session: ProcessSession) -> None:
        self.sessions.add(session)
        try:
            await session.run()
        finally:
            self.sessions.discard(session)

    async def close(self) -> None:
        """Stop listening, break all connections and end what their sessions run."""
        if self.acceptor is not None:
            self.acceptor.close()
            await self.acceptor.wait_closed()
        for connection in list(self.connections):
            connection.abort()
        for session in list(self.sessions):
            session.kill()


class _Watch(asyncssh.SSHServer):
    """Keeps the set of a server's open connections."""

    def __init__(self, connections: set[asyncssh.SSHServerConnection]) -> None:
        self._connections = connections
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._connection is not None:
            self._connections.discard(self._connection)


async def follow(place: LabPlace) -> None:
    """Serve what the lab's state asks for until the state is gone or a signal ends us."""
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    open_servers: dict[str, ProcessServer] = {}
    seen: tuple[int, int] | None = None
    while not ended.is_set():
        mark = _mark(place.state_file)
        if mark is None:
            break
        if mark != seen:
            await _adapt(place, open_servers)
            seen = mark
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), _LOOK_SECONDS)
    for server in open_servers.values():
        await server.close()


async def _adapt(place: LabPlace, open_servers: dict[str, ProcessServer]) -> None:
    """Open and close servers until those are open that the state wants."""
    state = read_state(place.state_file)
    servers = state.servers if state else ()
    wanted = {server.name: server for server in servers if server.stage in _LISTENING}
    for name in open_servers.keys() - wanted.keys():
        await open_servers.pop(name).close()
    for name in wanted.keys() - open_servers.keys():
        server = ProcessServer(place, wanted[name])
        await server.open()
        open_servers[name] = server


def _mark(path: Path) -> tuple[int, int] | None:
    """Give what changes whenever the file is replaced; None when it is gone."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns


def main() -> None:
    """Go to the background, so that whoever started us need not wait for our end."""
    if os.fork():
        os._exit(0)
    os.setsid()
    os.chdir("/")
    asyncio.run(follow(LabPlace(Path(sys.argv[1]))))


if __name__ == "__main__":
    main()
