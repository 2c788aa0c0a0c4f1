"""A lab of processes: ssh servers on loopback ports, each with its own home; they need no root.

One background process listens for all of them. It follows the lab's state file: a server that
is there as booting or up listens, any other does not.
"""

from __future__ import annotations

import contextlib
import getpass
import importlib.util
import shutil
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from herder.errors import LabError
from herder.lab.answers import is_answering, wait_for_answers
from herder.lab.daemon import PROCESS_SERVERS, daemons, log_tail, start_daemon
from herder.lab.inventory import write_inventory
from herder.lab.keys import make_key, write_known_hosts
from herder.lab.leftovers import making
from herder.lab.place import LabPlace, check_name
from herder.lab.servers import BOOT_SECONDS, LOCK_SECONDS, ServerWish
from herder.lab.state import Kind, LabState, Server, Stage, read_state, write_state

_ADDRESS = "127.0.0.1"
_STOP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Processes:
    """The `Servers` of a lab of processes; needs asyncssh."""

    place: LabPlace

    def up(self, wishes: Sequence[ServerWish], *, reason: str = "") -> LabState:
        if importlib.util.find_spec("asyncssh") is None:
            raise LabError("processes need asyncssh", hint="pip install 'herder[lab]'")
        with making(self.place):
            return self._up(wishes, reason)

    def state(self) -> LabState:
        state = read_state(self.place.state_file)
        if state is None or state.kind is not Kind.PROCESSES:
            raise LabError(f"no lab of processes named {self.place.name!r}", hint="herder lab up 2")
        return state

    def create(self, wish: ServerWish) -> Server:
        with self._changing():
            return self._create(wish)

    def boot(self, name: str) -> None:
        with self._changing():
            self._save(replace(self.state().server(name), stage=Stage.BOOTING))
            if not daemons(self.place, PROCESS_SERVERS):
                start_daemon(self.place, PROCESS_SERVERS)

    def wait(self, name: str, *, goes_on: Callable[[], bool] = lambda: True) -> Server:
        ready = self._wait([self.state().server(name)], time.monotonic(), goes_on)
        with self._changing():
            return self._save(replace(ready[0], stage=Stage.UP))

    def stop(self, name: str) -> None:
        with self._changing():
            server = self._save(replace(self.state().server(name), stage=Stage.STOPPED))
        self._wait_for_silence(server)

    def destroy(self, name: str) -> None:
        with self._changing():
            state = self.state()
            gone = [server for server in state.servers if server.name == name]
            self._save_all(state.without_server(name))
        for server in gone:
            self._wait_for_silence(server)
        directory = self.place.server_directory(name)
        if directory.exists():
            shutil.rmtree(directory)

    def keep_layer(self, name: str, destination: Path) -> Path:
        self.state().server(name)
        destination.mkdir(mode=0o755, parents=True)
        _copy(self._home(name), destination)
        return destination

    def _up(self, wishes: Sequence[ServerWish], reason: str) -> LabState:
        started = time.monotonic()
        make_key(self.place.key_file, f"herder lab {self.place.name}")
        self._save_all(LabState(name=self.place.name, kind=Kind.PROCESSES, reason=reason))
        servers = [self._save(replace(self._create(wish), stage=Stage.BOOTING)) for wish in wishes]
        start_daemon(self.place, PROCESS_SERVERS)
        ready = self._wait(servers, started)
        up = tuple(replace(server, stage=Stage.UP) for server in ready)
        return self._save_all(replace(self.state().with_servers(up), is_complete=True))

    def _create(self, wish: ServerWish) -> Server:
        check_name("server", wish.name)
        state = self.state()
        if any(server.name == wish.name for server in state.servers):
            raise LabError(f"server {wish.name!r} is there already")
        directory = self.place.server_directory(wish.name)
        self._make_files(wish)
        server = Server(
            name=wish.name,
            number=max((known.number for known in state.servers), default=0) + 1,
            address=_ADDRESS,
            port=_free_port(),
            user=getpass.getuser(),
            host_key=make_key(directory / "host_key", wish.name),
            layers=tuple(str(layer) for layer in wish.layers),
        )
        return self._save(server)

    def _make_files(self, wish: ServerWish) -> None:
        home = self._home(wish.name)
        home.mkdir(mode=0o755, parents=True, exist_ok=True)
        for layer in reversed(wish.layers):
            _copy(layer, home)
        public = self.place.key_file.with_name(f"{self.place.key_file.name}.pub")
        keys = [public.read_text("utf-8").strip(), *wish.authorized_keys]
        folder = home / ".ssh"
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / "authorized_keys").write_text("".join(f"{key}\n" for key in keys), "utf-8")

    def _wait(
        self,
        servers: Sequence[Server],
        started: float,
        goes_on: Callable[[], bool] = lambda: True,
    ) -> list[Server]:
        def check(server: Server, seconds: float) -> None:
            if seconds > BOOT_SECONDS or (
                seconds > 1.0 and not daemons(self.place, PROCESS_SERVERS)
            ):
                raise LabError(
                    f"server {server.name!r} does not listen", context=log_tail(self.place)
                )

        return wait_for_answers(servers, started=started, check=check, goes_on=goes_on)

    def _wait_for_silence(self, server: Server) -> None:
        deadline = time.monotonic() + _STOP_SECONDS
        while is_answering(server):
            if time.monotonic() > deadline:
                raise LabError(f"server {server.name!r} does not stop")
            time.sleep(0.05)

    def _home(self, name: str) -> Path:
        return self.place.server_directory(name) / "home"

    def _save(self, server: Server) -> Server:
        self._save_all(self.state().with_server(server))
        return server

    def _save_all(self, state: LabState) -> LabState:
        write_state(self.place.state_file, state)
        write_known_hosts(self.place, state)
        write_inventory(self.place, state)
        return state

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        self.state()
        with self.place.locked(wait_seconds=LOCK_SECONDS):
            yield


def _free_port() -> int:
    """Give a port that was free just now; the daemon takes it a moment later."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((_ADDRESS, 0))
        port: int = probe.getsockname()[1]
        return port


def _copy(source: Path, target: Path) -> None:
    shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
