"""The same work by both engines, each on lab machines of its own: recaps and changed files."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from herder.lab import lab
from herder.lab.boot import disk_directory
from herder.lab.machines import Machines
from herder.lab.place import lab_place
from herder.lab.state import Kind
from tests.support.two_engines import HERDER, STOCK, environment, recap_of

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
class Played:
    """What came of one run."""

    exit_code: int
    recap: dict[str, str]
    statuses: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class Engine:
    """One engine with the machines it works on; `folder` holds what is its own of a run."""

    words: Sequence[str]
    machines: Machines
    folder: Path

    def play(self, place: Path, *words: str) -> Played:
        """Run the engine with these words in a folder."""
        inventory = str(self.machines.place.inventory_file)
        done = subprocess.run(
            [*self.words, "-i", inventory, *words],
            cwd=place,
            env=environment(self.folder),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        text = done.stdout + done.stderr
        return Played(done.returncode, recap_of(done.stdout), _statuses(done.stdout), text)

    def changed_files(self, name: str) -> dict[str, Path]:
        """Give all files that the machine's disk holds of its own, by their path on it."""
        upper = disk_directory(self.machines.place, name) / "upper"
        found = {
            str(path.relative_to(upper)): path
            for path in upper.rglob("*")
            if path.is_symlink() or not path.is_dir()
        }
        return {
            name: path
            for name, path in found.items()
            if not name.startswith(OF_THE_MOMENT) and ".pyc" not in name
        }


def _statuses(output: str) -> tuple[str, ...]:
    """Give each task and each host's word on it, without what a module said."""
    lines = [line for line in output.splitlines() if line.startswith(STATUS_WORDS)]
    return tuple(line.partition(" => ")[0].rstrip("* ") for line in lines)


STATUS_WORDS = (
    "TASK [",
    "RUNNING HANDLER [",
    "changed: [",
    "failed: [",
    "fatal: [",
    "included: ",
    "ok: [",
    "skipping: [",
)


@contextlib.contextmanager
def engine_pair(names: Sequence[str], folder: Path) -> Iterator[tuple[Engine, Engine]]:
    """Give ansible-playbook and Herder, each with machines of these names."""
    places = [lab_place(name, folder / f"lab-{name}") for name in ("stock", "herd1")]
    try:
        for place in places:
            lab.up_named(place, list(names), kind=Kind.MACHINES)
        pair = [
            Engine(engine, Machines(place), folder / f"own-{place.name}")
            for engine, place in zip((STOCK, HERDER), places, strict=True)
        ]
        for engine in pair:
            engine.folder.mkdir()
        yield pair[0], pair[1]
    finally:
        for place in places:
            lab.down(place)


def play_both(pair: tuple[Engine, Engine], place: Path, *words: str) -> tuple[Played, Played]:
    """Run both engines at once; ansible-playbook's outcome first."""
    with ThreadPoolExecutor() as threads:
        stock, herder = threads.map(lambda engine: engine.play(place, *words), pair)
    return stock, herder
