"""A file of answers: what is read back, and what is not trusted."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from herder.kept_file import KeptFile, own_folder, replace_file


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give a file that has the answer to one question."""
    path = tmp_path / "cache" / "answers"
    kept = KeptFile(path, "one")
    kept.section("sums")[1, 2] = [3, "three"]
    kept.save()
    return path


def test_an_answer_is_there_in_the_next_run(path: Path) -> None:
    """Otherwise nothing is gained."""
    kept = KeptFile(path, "one")

    assert kept.section("sums") == {(1, 2): [3, "three"]}
    assert kept.section("others") == {}


def test_only_its_owner_may_read_or_write_the_file(path: Path) -> None:
    """Answers may be code, and say what a playbook does."""
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_what_others_could_have_written_is_not_read(path: Path) -> None:
    """Answers may be code that is run."""
    path.chmod(0o660)

    assert KeptFile(path, "one").section("sums") == {}


def test_answers_that_rest_on_something_else_are_not_read(path: Path) -> None:
    """Another ansible-core may make something else of the same text."""
    assert KeptFile(path, "two").section("sums") == {}


@pytest.mark.parametrize("keep", [0, 3, 20, -1])
def test_a_file_that_is_broken_off_is_no_file(path: Path, keep: int) -> None:
    """marshal may crash on what it did not write."""
    path.write_bytes(path.read_bytes()[:keep])

    assert KeptFile(path, "one").section("sums") == {}


def test_a_changed_byte_makes_the_file_no_file(path: Path) -> None:
    """marshal may crash on what it did not write."""
    data = bytearray(path.read_bytes())
    data[-2] ^= 1
    path.write_bytes(data)

    assert KeptFile(path, "one").section("sums") == {}


def test_without_a_place_to_write_nothing_is_kept_and_nothing_said(tmp_path: Path) -> None:
    """A cache that cannot be written must not fail a run."""
    (tmp_path / "file").write_text("no directory")
    kept = KeptFile(tmp_path / "file" / "answers")
    kept.section("sums")[1] = 1

    kept.save()

    assert (tmp_path / "file").read_text() == "no directory"


def test_what_marshal_does_not_take_is_not_kept(tmp_path: Path) -> None:
    """A half file would be worse than none."""
    kept = KeptFile(tmp_path / "answers")
    kept.section("sums")[1] = object()

    kept.save()

    assert list(tmp_path.iterdir()) == []


def test_two_environments_do_not_write_the_same_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They did so in turns, and both started in twice the time."""
    ours = own_folder(tmp_path / "start")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))

    other = own_folder(tmp_path / "start")

    assert ours != other
    assert other.stat().st_mode & 0o777 == 0o700
    assert ours.is_dir()
    assert own_folder(tmp_path / "start") == other


def test_what_an_environment_kept_goes_when_it_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Environments come and go: what they kept must not fill the disk."""
    environment = tmp_path / "environment"
    environment.mkdir()
    monkeypatch.setattr(sys, "prefix", str(environment))
    gone = own_folder(tmp_path / "start")
    (gone / "modules").write_text("kept")
    somebodys = tmp_path / "start" / "somebodys"
    somebodys.mkdir()
    environment.rmdir()
    monkeypatch.setattr(sys, "prefix", str(tmp_path))

    own_folder(tmp_path / "start")

    assert not gone.exists()
    assert somebodys.is_dir()


def test_without_permission_there_is_no_folder_and_nothing_is_said(tmp_path: Path) -> None:
    """A run does not fail of what only makes it faster."""
    (tmp_path / "start").write_text("no directory")

    assert not own_folder(tmp_path / "start").exists()


def test_nothing_is_written_through_a_link_that_somebody_put_there(tmp_path: Path) -> None:
    """Where the home is /tmp, as some jobs set it, others may be there first."""
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / f"kept.{os.getpid()}").symlink_to(victim)

    with pytest.raises(OSError, match="exists"):
        replace_file(tmp_path / "kept", b"answers")
    replace_file(tmp_path / "kept", b"answers")

    assert victim.read_text() == "mine"
    assert (tmp_path / "kept").read_bytes() == b"answers"
