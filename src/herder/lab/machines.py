"""A lab of machines: each a copy of this host's system, with its own systemd, sshd and address.

Every step is written into the lab's state before it is taken, so whoever comes after a crash
knows what may be there.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from herder.errors import LabError
from herder.lab.boot import (
    disk_directory,
    launch,
    power_off,
    shut_down,
    wait_for_ssh,
)
from herder.lab.daemon import WAY_OUT, start_daemon
from herder.lab.guest import Guest, prepare_guest
from herder.lab.inventory import write_inventory
from herder.lab.kernel_limits import raise_limits, sharing_the_host
from herder.lab.keys import make_key, write_known_hosts
from herder.lab.layers import Layers, copy_layer
from herder.lab.leftovers import making, unmount_below
from herder.lab.network import (
    choose_network,
    machine_address,
    make_bridge,
    make_machine_network,
    remove_machine_network,
    taken_networks,
)
from herder.lab.place import LabPlace, check_name
from herder.lab.programs import run_program
from herder.lab.servers import BOOT_SECONDS, LOCK_SECONDS, ServerWish
from herder.lab.state import Kind, LabState, Server, Stage, read_state, write_state

SUDO_USER = "deploy"
_TMPFS_MEGABYTES = 8192


@dataclass(frozen=True, slots=True)
class Machines:
    """The `Servers` of a lab of machines; needs root on Linux (see `requirements.py`)."""

    place: LabPlace

    def up(self, wishes: Sequence[ServerWish], *, reason: str = "") -> LabState:
        with making(self.place):
            return self._up(wishes, reason)

    def state(self) -> LabState:
        state = read_state(self.place.state_file)
        if state is None or state.kind is not Kind.MACHINES:
            raise LabError(f"no lab of machines named {self.place.name!r}", hint="herder lab up 2")
        return state

    def create(self, wish: ServerWish) -> Server:
        with self._changing():
            server = self._plan(wish)
            self._make(server, wish)
            return server

    def boot(self, name: str) -> None:
        with self._changing():
            server = self._save(replace(self.state().server(name), stage=Stage.BOOTING))
            launch(self.place, server)

    def wait(self, name: str, *, goes_on: Callable[[], bool] = lambda: True) -> Server:
        server = self.state().server(name)
        ready = wait_for_ssh(
            self.place,
            [server],
            started=time.monotonic(),
            deadline_seconds=BOOT_SECONDS,
            goes_on=goes_on,
        )
        with self._changing():
            return self._save(replace(ready[0], stage=Stage.UP))

    def stop(self, name: str) -> None:
        with self._changing():
            server = self.state().server(name)
            shut_down(self.place, name)
            self._save(replace(server, stage=Stage.STOPPED))

    def destroy(self, name: str) -> None:
        with self._changing():
            state = self.state()
            power_off(self.place, name)
            for server in state.servers:
                if server.name == name:
                    remove_machine_network(self.place, server)
            self._remove_files(name)
            self._save_all(state.without_server(name))

    def keep_layer(self, name: str, destination: Path) -> Path:
        server = self.state().server(name)
        try:
            destination.mkdir(mode=0o755, parents=True)
            copy_layer(disk_directory(self.place, server.name) / "upper", destination)
        except FileExistsError as error:
            raise LabError(f"there is something at {str(destination)!r} already") from error
        except LabError:
            shutil.rmtree(destination)
            raise
        return destination

    def note(self, server: Server) -> None:
        """Write down what has become of a server."""
        with self._changing():
            self._save(server)

    def _up(self, wishes: Sequence[ServerWish], reason: str) -> LabState:
        started = time.monotonic()
        self._make_lab(reason)
        planned = [self._plan(wish) for wish in wishes]
        servers = []
        for server, wish in zip(planned, wishes, strict=True):
            self._make(server, wish)
            servers.append(self._save(replace(server, stage=Stage.BOOTING)))
            launch(self.place, server)
        start_daemon(self.place, WAY_OUT)
        ready = wait_for_ssh(
            self.place,
            servers,
            started=started,
            deadline_seconds=BOOT_SECONDS + 5.0 * len(servers),
        )
        state = self.state()
        for server in ready:
            state = state.with_server(replace(server, stage=Stage.UP))
        return self._save_all(replace(state, is_complete=True))

    def _make_lab(self, reason: str) -> None:
        make_key(self.place.key_file, f"herder lab {self.place.name}")
        state = LabState(
            name=self.place.name,
            kind=Kind.MACHINES,
            reason=reason,
            sudo_user=SUDO_USER,
            sudo_password=secrets.token_urlsafe(9),
        )
        with sharing_the_host():
            state = replace(state, network=choose_network(self.place.mark, taken_networks()))
            write_state(self.place.state_file, state)
            make_bridge(self.place, state.network)
            raise_limits()

    def _plan(self, wish: ServerWish) -> Server:
        """Give the machine its number, address and host key, and write that down."""
        check_name("machine", wish.name)
        state = self.state()
        if any(server.name == wish.name for server in state.servers):
            raise LabError(f"machine {wish.name!r} is there already")
        taken = {server.number for server in state.servers}
        number = next(number for number in range(1, len(taken) + 2) if number not in taken)
        directory = self.place.server_directory(wish.name)
        directory.mkdir(mode=0o755, parents=True, exist_ok=True)
        server = Server(
            name=wish.name,
            number=number,
            address=machine_address(state.network, number),
            port=22,
            user="root",
            host_key=make_key(directory / "host_key", wish.name),
            layers=tuple(str(layer) for layer in wish.layers),
            disk_megabytes=wish.disk_megabytes,
        )
        return self._save(server)

    def _make(self, server: Server, wish: ServerWish) -> None:
        make_machine_network(self.place, self.state().network, server)
        self._make_files(server, wish)

    def _make_files(self, server: Server, wish: ServerWish) -> None:
        disk = disk_directory(self.place, server.name)
        disk.mkdir(exist_ok=True)
        self._limit_disk(disk, server)
        upper = disk / "upper"
        upper.mkdir(mode=0o755, exist_ok=True)
        for layer in reversed(wish.layers):
            copy_layer(layer, upper)
        state = self.state()
        public = self.place.key_file.with_name(f"{self.place.key_file.name}.pub")
        guest = Guest(
            name=server.name,
            hosts=_hosts_text(state),
            host_key_file=self.place.server_directory(server.name) / "host_key",
            authorized_keys=(public.read_text("utf-8").strip(), *wish.authorized_keys),
            sudo_user=state.sudo_user,
            sudo_password=state.sudo_password,
            network=state.network,
            hidden=(self.place.directory.parent,),
        )
        prepare_guest(Layers(upper, Path("/")), guest)

    def _limit_disk(self, disk: Path, server: Server) -> None:
        megabytes = server.disk_megabytes
        if not megabytes and _is_on_overlay(disk):
            # overlayfs takes no overlay as its upper layer; memory is what is always there.
            megabytes = _TMPFS_MEGABYTES
        if megabytes:
            options = f"size={megabytes}m,mode=0755"
            run_program(["mount", "-t", "tmpfs", "-o", options, "herder-lab", str(disk)])

    def _save(self, server: Server) -> Server:
        self._save_all(self.state().with_server(server))
        return server

    def _save_all(self, state: LabState) -> LabState:
        write_state(self.place.state_file, state)
        write_known_hosts(self.place, state)
        write_inventory(self.place, state)
        return state

    def _remove_files(self, name: str) -> None:
        directory = self.place.server_directory(name)
        unmount_below(directory)
        if directory.exists():
            shutil.rmtree(directory)

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        self.state()
        with self.place.locked(wait_seconds=LOCK_SECONDS):
            yield


def _hosts_text(state: LabState) -> str:
    """Give /etc/hosts of a machine: those that are there when it is made, and itself."""
    lines = [f"{server.address} {server.name}" for server in state.servers]
    return "\n".join(["127.0.0.1 localhost", "::1 localhost ip6-localhost", *lines, ""])


def _is_on_overlay(path: Path) -> bool:
    return run_program(["stat", "--file-system", "--format=%T", str(path)]).strip() == "overlayfs"
