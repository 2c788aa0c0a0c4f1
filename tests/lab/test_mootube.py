"""MooTube provisioned by both engines, each on machines of its own, twice."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from herder.lab import lab
from herder.lab.boot import disk_directory
from herder.lab.machines import Machines
from herder.lab.mootube import VAULT_PASSWORD_FILE, find_example
from herder.lab.place import lab_place
from herder.lab.state import Kind
from tests.support.two_engines import HERDER, STOCK, environment, recap_of

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.timeout(900)]

INVENTORY = """\
[local]
web
[aws]
[webserver:children]
local
aws
[database]
db
[loadbalancer]
db
[processes]
"""
# What services and the engines themselves write while they run, and what holds a moment.
OF_THE_MOMENT = (
    "etc/.pwd.lock",
    "etc/ld.so.cache",
    "etc/machine-id",
    "etc/ssl/",
    "etc/ssh/",
    "home/",
    "root/",
    "run/",
    "tmp/",
    "var/cache/",
    "var/lib/apt/",
    "var/lib/dpkg/",
    "var/lib/postgresql/",
    "var/lib/private/",
    "var/lib/systemd/",
    "var/log/",
    "var/tmp/",
)


@dataclass(frozen=True)
class Engine:
    """One engine with the machines it works on."""

    words: Sequence[str]
    machines: Machines
    folder: Path

    def provision(self) -> tuple[int, dict[str, str], str]:
        """Run playbook.yml; exit code, recap and all that was said."""
        ansible = find_example().ansible_folder
        (self.folder / "hosts.ini").write_text(INVENTORY)
        words = [
            *self.words,
            *("-i", str(self.machines.place.inventory_file), "-i", str(self.folder / "hosts.ini")),
            *("--vault-password-file", VAULT_PASSWORD_FILE, "playbook.yml"),
        ]
        done = subprocess.run(
            words,
            cwd=ansible,
            env=environment(self.folder),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, recap_of(done.stdout), done.stdout + done.stderr

    def changed_files(self, name: str) -> set[str]:
        """Give the paths of all files that the machine's disk holds of its own."""
        upper = disk_directory(self.machines.place, name) / "upper"
        paths = {
            str(path.relative_to(upper))
            for path in upper.rglob("*")
            if path.is_symlink() or not path.is_dir()
        }
        return {path for path in paths if not path.startswith(OF_THE_MOMENT) and ".pyc" not in path}


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, Engine]]:
    """Give ansible-playbook and Herder, each with two machines."""
    places = [lab_place(name, tmp_path_factory.mktemp("labs")) for name in ("stock", "herd")]
    try:
        for place in places:
            lab.up_named(place, ["web", "db"], kind=Kind.MACHINES)
        yield (
            Engine(STOCK, Machines(places[0]), tmp_path_factory.mktemp("stock")),
            Engine(HERDER, Machines(places[1]), tmp_path_factory.mktemp("herder")),
        )
    finally:
        for place in places:
            lab.down(place)


def test_both_engines_change_the_same_and_the_second_run_nothing(
    engines: tuple[Engine, Engine],
) -> None:
    """The promise in one test: your playbooks run as they are."""
    for run in ("first", "second"):
        with ThreadPoolExecutor() as threads:
            stock, herder = threads.map(Engine.provision, engines)

        texts = f"{run} run\nansible-playbook:\n{stock[2]}\nherder:\n{herder[2]}"
        assert stock[0] == herder[0] == 0, texts
        assert herder[1] == stock[1], texts
        if run == "second":
            assert all("changed=0 " in sums for sums in herder[1].values()), texts

    for name in ("web", "db"):
        assert engines[1].changed_files(name) == engines[0].changed_files(name)
