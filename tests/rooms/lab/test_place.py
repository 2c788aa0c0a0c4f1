"""A lab's place: names that may be used, and one command at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from herder.errors import LabError, UsageError
from herder.lab.place import lab_place


@pytest.mark.parametrize("name", ["", "-a", "a-", "Web", "a.b", "a/b", "1a", "a" * 33, "ä"])
def test_name_that_is_no_host_name_is_refused(tmp_path: Path, name: str) -> None:
    """It becomes part of paths, host names and names that the kernel keeps."""
    with pytest.raises(UsageError):
        lab_place(name, tmp_path)


@pytest.mark.parametrize("folder", ["a b", "a,b", "a:b", "a'b"])
def test_folder_that_ssh_or_mount_would_misread_is_refused(tmp_path: Path, folder: str) -> None:
    """The failure would otherwise come late and name something else."""
    with pytest.raises(UsageError, match="cannot be kept"):
        lab_place("lab", tmp_path / folder)


def test_folder_that_cannot_be_made_is_said_and_is_no_bug(tmp_path: Path) -> None:
    """A home that is read-only, or a folder of somebody else, is the machine's and not ours."""
    (tmp_path / "labs").write_text("a file is in the way")
    place = lab_place("lab", tmp_path / "labs")

    with pytest.raises(LabError, match="no lab can be kept here") as refused, place.locked():
        pass

    assert str(tmp_path / "labs") in str(refused.value)
    assert "--directory" in refused.value.hint


def test_two_labs_have_two_marks(tmp_path: Path) -> None:
    """Interfaces are named by the mark, and labs in different folders may share a name."""
    first, second = (lab_place("lab", tmp_path / folder) for folder in ("one", "two"))

    assert first.mark != second.mark
    assert len(f"hl{first.mark}v240") <= 15


def test_held_lab_refuses_a_second_command(tmp_path: Path) -> None:
    """Two `up`s at once would mix their machines."""
    place = lab_place("lab", tmp_path)

    with place.locked(), pytest.raises(LabError, match="being changed by another"), place.locked():
        pass


def test_lock_is_free_again_when_its_directory_was_removed(tmp_path: Path) -> None:
    """`down` removes the directory that carries the lock."""
    place = lab_place("lab", tmp_path)

    with place.locked():
        place.directory.rmdir()

    with place.locked():
        assert place.directory.is_dir()
