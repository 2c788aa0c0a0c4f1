"""language/local_files.py: looked at once, and never wrong about a file that changes."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from herder.language import local_files
from herder.language.local_files import LocalFiles
from herder.model.ports import WantedFile


def test_a_file_is_what_its_content_says(tmp_path: Path) -> None:
    """Size and checksum are what the host compares with."""
    (tmp_path / "run").write_bytes(b"moo")
    (tmp_path / "run").chmod(0o750)
    digest = hashlib.sha1(b"moo").hexdigest()

    files, source = LocalFiles(), str(tmp_path / "run")

    assert files.wanted(source, "x/run", is_mode_kept=False) == WantedFile("x/run", 3, digest)
    assert files.wanted(source, "run", is_mode_kept=True) == WantedFile("run", 3, digest, "0750")


def test_a_file_that_is_changed_is_looked_at_again(tmp_path: Path) -> None:
    """Two changes within one tick of the clock look alike: such a file is not remembered."""
    path = tmp_path / "file"
    files, seen = LocalFiles(), []
    for content in (b"one", b"two", b"six"):
        path.write_bytes(content)
        os.utime(path, (1, 1))
        wanted = files.wanted(str(path), "file", is_mode_kept=False)
        assert wanted is not None
        seen.append(wanted.checksum)

    assert seen == [hashlib.sha1(each).hexdigest() for each in (b"one", b"two", b"six")]


def test_a_settled_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred hosts must not mean reading a tree a hundred times."""
    monkeypatch.setattr(local_files, "SURE_AFTER_NANOSECONDS", -1)
    path = tmp_path / "file"
    path.write_bytes(b"moo")
    files = LocalFiles()
    first = files.wanted(str(path), "file", is_mode_kept=False)
    monkeypatch.setattr(Path, "read_bytes", None)

    assert first is not None
    assert files.wanted(str(path), "file", is_mode_kept=False) == first


def test_what_is_not_sent_as_it_is_is_left_to_ansible_core(tmp_path: Path) -> None:
    """A vaulted file is decrypted on its way; a directory or nothing is an error of its own."""
    (tmp_path / "vaulted").write_bytes(b"$ANSIBLE_VAULT;1.1;AES256\n6162\n")
    (tmp_path / "folder").mkdir()
    for name in ("vaulted", "folder", "nothing"):
        assert LocalFiles().wanted(str(tmp_path / name), name, is_mode_kept=False) is None
