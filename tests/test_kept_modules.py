"""Kept code is used while Python would find the same module, and not any longer."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"
COUNT = 10
IMPORTS = f"""\
import importlib.util, os, sys
from pathlib import Path
from herder.quick_start import quick_start
with quick_start(Path(sys.argv[1])):
    names = ["shop", "top", *(f"shop.part{{n}}" for n in range({COUNT}))]
    found = [importlib.import_module(name) for name in names]
    for module in found[2:]:
        # as ansible-core loads a filter: under a name that no other run uses
        name = f"{{module.__name__}}_{{os.getpid()}}"
        spec = importlib.util.spec_from_file_location(name, module.__file__)
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
for module in found:
    print(module.__name__, module.WORD, type(module.__loader__).__name__, module.__file__)
"""


class Site:
    """A directory of modules, and runs that import all of them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.kept = directory / "kept"
        self.modules = directory / "modules"
        shop = self.modules / "shop"
        shop.mkdir(parents=True)
        for file in (shop / "__init__.py", self.modules / "top.py", *map(self.part, range(COUNT))):
            file.write_text("WORD = 'first'\n")

    def part(self, number: int) -> Path:
        return self.modules / "shop" / f"part{number}.py"

    def run(self, *earlier: Path) -> dict[str, tuple[str, str]]:
        """Import everything in a new Python; name -> its word and what loaded it."""
        path = os.pathsep.join(map(str, (*earlier, self.modules, SOURCE)))
        done = subprocess.run(
            [sys.executable, "-c", IMPORTS, str(self.kept)],
            env={**os.environ, "PYTHONPATH": path},
            cwd=self.directory,
            capture_output=True,
            text=True,
            check=True,
        )
        words = [line.split() for line in done.stdout.splitlines()]
        assert all(Path(file).is_file() for *_, file in words)
        return {name: (word, loader) for name, word, loader, _ in words}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Give a site whose modules were imported once."""
    site = Site(tmp_path)
    assert set(site.run().values()) == {("first", "SourceFileLoader")}
    return site


def test_the_second_run_finds_all_modules_in_the_file(site: Site) -> None:
    """This is what makes the start fast."""
    assert set(site.run().values()) == {("first", "KeptLoader")}


def test_the_file_is_not_written_again_for_names_that_nobody_finds(site: Site) -> None:
    """It grew with every run, and writing it took a third of a second."""
    (file,) = site.kept.glob("modules-*")
    before = file.stat()

    site.run()

    assert (file.stat().st_mtime_ns, file.stat().st_size) == (before.st_mtime_ns, before.st_size)


def test_a_module_that_was_changed_is_read_anew(site: Site) -> None:
    """Old code under a new file would be the worst of bugs."""
    site.part(3).write_text("WORD = 'second, and longer'.split(',')[0]\n")

    assert site.run()["shop.part3"] == ("second", "SourceFileLoader")


def test_a_module_that_stands_before_another_is_found_first(site: Site) -> None:
    """Whoever puts a directory before others means it."""
    earlier = site.directory / "earlier"
    earlier.mkdir()
    (earlier / "top.py").write_text("WORD = 'earlier'\n")

    found = site.run(earlier)

    assert found["top"][0] == "earlier"
    assert found["shop"] == ("first", "KeptLoader")


def test_a_module_in_the_working_directory_is_found_first(site: Site) -> None:
    """`python -c` and `python -m` look there before all else."""
    (site.directory / "top.py").write_text("WORD = 'here'\n")

    assert site.run()["top"][0] == "here"


def test_a_package_that_comes_beside_a_module_is_found_as_python_does(site: Site) -> None:
    """A package is found before a module of its name."""
    (site.modules / "shop" / "part3").mkdir()
    (site.modules / "shop" / "part3" / "__init__.py").write_text("WORD = 'package'\n")

    assert site.run()["shop.part3"] == ("package", "SourceFileLoader")


def test_after_changes_the_file_is_made_anew(site: Site) -> None:
    """An upgrade of a library must not be slow for ever."""
    (site.modules / "shop" / "new.py").write_text("")
    site.run()

    assert set(site.run().values()) == {("first", "KeptLoader")}


def test_a_file_that_others_could_have_written_is_not_used(site: Site) -> None:
    """It holds code that is run."""
    (file,) = site.kept.glob("modules-*")
    file.chmod(0o666)

    assert set(site.run().values()) == {("first", "SourceFileLoader")}


@pytest.mark.parametrize("size", [0, 4, 200])
def test_a_file_that_is_broken_off_is_not_used(site: Site, size: int) -> None:
    """A full disk must not fail the next run."""
    (file,) = site.kept.glob("modules-*")
    file.write_bytes(file.read_bytes()[:size])

    assert set(site.run().values()) == {("first", "SourceFileLoader")}


@pytest.mark.parametrize("rest", [b"", bytes(2000)])
def test_a_file_that_lost_its_second_half_is_made_anew(site: Site, rest: bytes) -> None:
    """After a power cut every run ended with a traceback, until the file was removed by hand."""
    (file,) = site.kept.glob("modules-*")
    data = file.read_bytes()
    file.write_bytes(data[: len(data) - 700] + rest[:700])

    assert {word for word, _ in site.run().values()} == {"first"}
    assert set(site.run().values()) == {("first", "KeptLoader")}
