"""shortcuts/read_files.py: it gives what the file says, and nobody changes it for others."""

from __future__ import annotations

import copy
import os
import time
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleFileNotFound
from ansible.parsing.dataloader import DataLoader

from herder.language.shortcuts.install import install_shortcuts
from herder.language.shortcuts.read_files import deeply_copied
from tests.support.play_variables import PlayVariables
from tests.support.plugins import load_plugins
from tests.support.shadows import difference

TEXT = """\
name: moo
number: 3
nothing:
list: &list [a, {b: [1, 2]}, 2.5, true]
same: *list
day: 2026-11-28
"""
SECRET = """\
secret: !vault |
  $ANSIBLE_VAULT;1.1;AES256
  3134
"""
PLAY = """\
- hosts: all
  gather_facts: false
  vars_files: [more.yml]
  tasks:
    - {name: first, ping: }
    - block: [{name: second, ping: }]
"""
INCLUDED = {"cache": "none", "trusted_as_template": True}


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    """Once in a process, as in a run."""
    load_plugins()
    install_shortcuts()


class CountingLoader(DataLoader):
    """Counts what it parses."""

    parsed = 0

    def load(self, *words: Any, **named: Any) -> Any:
        self.parsed += 1
        return super().load(*words, **named)


def write(path: Path, text: str, *, seconds_ago: float = 60.0) -> Path:
    """Write a file as if it had been written so long ago."""
    path.write_text(text)
    moment = time.time() - seconds_ago
    os.utime(path, (moment, moment))
    return path


def test_vars_files_are_parsed_once_for_all_hosts(tmp_path: Path) -> None:
    """Three hundred variables for each of a thousand hosts would take a minute for each role."""
    write(tmp_path / "more.yml", TEXT)
    site = PlayVariables.of(tmp_path, PLAY)
    loader = site.manager._loader = CountingLoader()
    loader.set_basedir(str(tmp_path))

    asked = [(name, host) for host in ("web1", "web2") for name in ("first", "second")]
    found = [site.ask(site.task(name), host) for name, host in asked]

    assert [each["list"] for each in found] == [["a", {"b": [1, 2]}, 2.5, True]] * 4
    assert loader.parsed == 1


def test_a_file_that_has_changed_is_read_anew(tmp_path: Path) -> None:
    """A task before may have written it."""
    path, loader = write(tmp_path / "more.yml", "a: 1\n"), CountingLoader()
    before = [loader.load_from_file(str(path), **INCLUDED) for _ in range(3)]
    write(path, "a: 2\n", seconds_ago=50)

    after = loader.load_from_file(str(path), **INCLUDED)

    assert (before, after, loader.parsed) == ([{"a": 1}] * 3, {"a": 2}, 2)


def test_a_file_that_was_written_just_now_is_not_kept(tmp_path: Path) -> None:
    """Whoever writes it twice in one moment leaves the same date and size."""
    path, loader = write(tmp_path / "more.yml", "a: 1\n", seconds_ago=0), CountingLoader()
    loader.load_from_file(str(path), **INCLUDED)
    status = path.stat()
    path.write_text("a: 2\n")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    assert loader.load_from_file(str(path), **INCLUDED) == {"a": 2}


def test_a_file_that_is_gone_is_missed(tmp_path: Path) -> None:
    """What it said counts no more."""
    path, loader = write(tmp_path / "more.yml", "a: 1\n"), CountingLoader()
    loader.load_from_file(str(path), **INCLUDED)
    path.unlink()

    with pytest.raises(AnsibleFileNotFound):
        loader.load_from_file(str(path), **INCLUDED)


@pytest.mark.parametrize("cache", ["none", "all", "vaulted"])
def test_a_copy_is_its_receivers_own(tmp_path: Path, cache: str) -> None:
    """A task that changes what it included must not change it for the other hosts."""
    path, loader = write(tmp_path / "more.yml", TEXT), CountingLoader()
    first = loader.load_from_file(str(path), cache=cache, trusted_as_template=True)
    first["list"][1]["b"].append(3)

    second = loader.load_from_file(str(path), cache=cache, trusted_as_template=True)

    assert second["list"][1] == {"b": [1, 2]}


def test_a_copy_has_what_was_in_the_file(tmp_path: Path) -> None:
    """Where a value was read, and that it may be a template, goes with it."""
    path = write(tmp_path / "more.yml", TEXT + SECRET)
    read = DataLoader().load_from_file(str(path), unsafe=True, **INCLUDED)
    read["itself"] = read

    ours, theirs = deeply_copied(read, {}), copy.deepcopy(read)

    assert ours["itself"] is ours
    assert ours["same"] is ours["list"]
    assert ours["list"] is not read["list"]
    # what is encrypted can only be compared by those who have its password
    secrets = [each.pop("secret")._ciphertext for each in (ours, theirs)]
    assert secrets[0] == secrets[1] != ""
    del ours["itself"], theirs["itself"]
    assert difference(ours, theirs) is None
