"""MooTube, the example site, on a lab: its servers, its inventory and where it is asked."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from herder.errors import LabError
from herder.lab.lab import choose_kind
from herder.lab.place import LabPlace
from herder.lab.state import Kind, LabState, write_whole
from herder.lab.visitors import Door

WEB_SERVERS = ("web1", "web2")
DATABASE = "db"
BALANCER = "balancer"
SITE_NAME = "mootube.example"
VAULT_PASSWORD_FILE = "vault-password-for-the-demo.txt"

_PACKAGES = (
    "gunicorn",
    "haproxy",
    "libjs-jquery",
    "nginx",
    "postgresql",
    "python3-apt",
    "python3-django",
    "python3-psycopg2",
    "socat",
)


@dataclass(frozen=True, slots=True)
class Example:
    """The folder `examples/mootube` of a checkout of Herder."""

    folder: Path

    @property
    def ansible_folder(self) -> Path:
        return self.folder / "ansible"

    @property
    def repository_maker(self) -> Path:
        return self.folder / "make_repository.py"


def find_example() -> Example:
    """Give MooTube's folder. *Raises*: LabError, when Herder does not run from a checkout."""
    folder = Path(__file__).resolve().parents[3] / "examples" / "mootube"
    if not folder.is_dir():
        raise LabError(
            "MooTube is not part of an installed Herder", hint="run it from a checkout: make demo"
        )
    return Example(folder)


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays: the kind of the lab's servers, why that kind, and the servers' names."""

    kind: Kind
    reason: str
    names: tuple[str, ...]

    @property
    def database(self) -> str:
        """Say in a few words which database holds videos and sessions."""
        if self.kind is Kind.MACHINES:
            return "one PostgreSQL for all servers"
        return "SQLite in one shared folder"


def choose_cast(wanted: Kind | None) -> Cast:
    """Give the kind and the names of MooTube's servers here.

    Without `wanted`, machines where they can run and have all packages of the site.
    *Raises*: LabError, when the wanted kind cannot run here.
    """
    kind, reason = choose_kind(wanted)
    missing = missing_packages() if kind is Kind.MACHINES and wanted is None else ()
    if missing:
        kind, reason = Kind.PROCESSES, f"machines need: apt-get install {' '.join(missing)}"
    if kind is Kind.PROCESSES:
        return Cast(kind, reason, WEB_SERVERS)
    return Cast(kind, reason, (*WEB_SERVERS, DATABASE, BALANCER))


def missing_packages() -> tuple[str, ...]:
    """Give the Debian packages that the site needs and that machines here would have to fetch."""
    if shutil.which("dpkg-query") is None:
        return _PACKAGES
    words = ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", *_PACKAGES]
    said = subprocess.run(words, capture_output=True, text=True, check=False).stdout.splitlines()
    return tuple(name for name in _PACKAGES if f"{name} installed" not in said)


@dataclass(frozen=True, slots=True)
class Staging:
    """MooTube on one lab; all its files are in the lab's directory and go with it."""

    place: LabPlace
    cast: Cast
    ports: tuple[int, ...] = ()

    @property
    def folder(self) -> Path:
        return self.place.directory / "mootube"

    @property
    def inventory_file(self) -> Path:
        return self.folder / "hosts.ini"

    @property
    def repository(self) -> Path:
        return self.folder / "site"

    def doors(self, state: LabState) -> list[Door]:
        """Give where visitors ask: the balancer, or each server where there is none."""
        if self.cast.kind is Kind.MACHINES:
            return [Door(state.server(BALANCER).address, 80, SITE_NAME)]
        return [Door("127.0.0.1", port, SITE_NAME) for port in self.ports]

    def inventory_words(self) -> list[str]:
        """Give the options for both inventories: the lab's addresses, and the site's groups."""
        return ["-i", str(self.place.inventory_file), "-i", str(self.inventory_file)]


def prepare(place: LabPlace, cast: Cast) -> Staging:
    """Write the site's inventory into a lab that is up.

    *Raises*: LabError, when servers are processes and no Python here has Django and gunicorn.
    """
    if cast.kind is Kind.MACHINES:
        staging = Staging(place, cast)
        lines = machine_lines()
    else:
        staging = Staging(place, cast, free_ports(len(WEB_SERVERS)))
        lines = process_lines(staging, find_python())
    staging.folder.mkdir()
    write_whole(staging.inventory_file, "\n".join([*lines, ""]))
    return staging


def machine_lines() -> list[str]:
    """Give the groups of MooTube's hosts.ini for machines: the second web server is the new one."""
    return _groups(*WEB_SERVERS, database=DATABASE, balancer=BALANCER, processes="")


def process_lines(staging: Staging, python: str) -> list[str]:
    """Give the same groups for processes, each with a port of its own."""
    old, new = (
        f"{name} mootube_port={port} mootube_python='{python}'"
        f" mootube_shared_folder='{staging.folder}'"
        for name, port in zip(WEB_SERVERS, staging.ports, strict=True)
    )
    return _groups(old, new, database="", balancer="", processes="\n".join(WEB_SERVERS))


def _groups(old: str, new: str, *, database: str, balancer: str, processes: str) -> list[str]:
    groups = {
        "local": old,
        "aws": new,
        "webserver:children": "local\naws",
        "database": database,
        "loadbalancer": balancer,
        "processes": processes,
    }
    return [f"[{name}]\n{hosts}\n" for name, hosts in groups.items()]


def free_ports(count: int) -> tuple[int, ...]:
    """Give so many different ports of loopback that nobody listens on now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = tuple(int(listening.getsockname()[1]) for listening in sockets)
    for listening in sockets:
        listening.close()
    return ports


def find_python() -> str:
    """Give a Python with Django and gunicorn: this one, or the system's. *Raises*: LabError."""
    candidates: Iterable[str | None] = (sys.executable, shutil.which("python3", path="/usr/bin"))
    for python in filter(None, candidates):
        words = [python, "-c", "import django, gunicorn"]
        if subprocess.run(words, capture_output=True, check=False).returncode == 0:
            return python
    raise LabError(
        "no Python here has Django and gunicorn, which lab processes need",
        hint=f"{sys.executable} -m pip install 'django<6' gunicorn",
    )
