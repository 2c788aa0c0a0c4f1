"""record/trail.py: what a path led to, and whether it still does."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from herder.record.trail import Trail, mark_of

SECOND = 1_000_000_000


def trail_of_now() -> Trail:
    """Give a trail of a run that begins a second after all that was written so far."""
    return Trail(time.time_ns() + SECOND)


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.write_text("other"),
        lambda path: path.unlink(),
        lambda path: path.chmod(0o600),
        lambda path: (path.rename(f"{path}~"), path.write_text("moo")),
    ],
    ids=["written", "removed", "mode", "another file"],
)
def test_a_file_that_changed_has_another_mark(
    change: Callable[[Path], object], tmp_path: Path
) -> None:
    """Even where neither its size nor the date that its owner may set tells it."""
    path = tmp_path / "site.yml"
    path.write_text("moo")
    mark = mark_of(str(path))
    time.sleep(0.02)

    change(path)

    assert mark_of(str(path)) != mark


def test_a_file_that_was_rewritten_with_its_old_date_has_another_mark(tmp_path: Path) -> None:
    """Some tools put dates back; the date of the change they cannot put back."""
    path = tmp_path / "site.yml"
    path.write_text("moo")
    before, mark = path.stat(), mark_of(str(path))
    time.sleep(0.02)

    path.write_text("boo")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert mark_of(str(path)) != mark


def test_a_directory_counts_with_its_names_only_where_they_were_asked_for(tmp_path: Path) -> None:
    """Else every log that is written beside a playbook would make its plan worthless."""
    before = mark_of(str(tmp_path)), mark_of(f"{tmp_path}/")
    time.sleep(0.02)

    (tmp_path / "new").touch()

    assert mark_of(str(tmp_path)) == before[0]
    assert mark_of(f"{tmp_path}/") != before[1]


def test_a_path_that_was_not_there_has_a_mark_too(tmp_path: Path) -> None:
    """A file that appears can decide as much as one that changes."""
    trail = trail_of_now()

    trail.saw(str(tmp_path / "host_vars"))

    marks = trail.marks
    assert marks is not None
    (tmp_path / "host_vars").mkdir()
    assert {path: mark_of(path) for path in marks} != marks


def test_names_that_a_listed_directory_does_not_have_need_no_mark(tmp_path: Path) -> None:
    """ansible-core looks for four names for each of a thousand hosts."""
    (tmp_path / "one.yml").touch()
    trail = trail_of_now()

    trail.listed(str(tmp_path))
    trail.saw(str(tmp_path / "one"))
    trail.saw(str(tmp_path / "one.yml"))

    assert set(trail.marks or ()) == {f"{tmp_path}/", f"{tmp_path}/one.yml"}


def test_a_file_that_changed_since_the_run_began_loses_the_trail(tmp_path: Path) -> None:
    """Nobody knows whether it was read before or after."""
    trail = Trail(time.time_ns() - SECOND)
    (tmp_path / "site.yml").touch()

    trail.saw(str(tmp_path / "site.yml"))

    assert trail.marks is None


def test_a_pipe_loses_the_trail(tmp_path: Path) -> None:
    """`-i <(...)` gives something else each time under the same name."""
    os.mkfifo(tmp_path / "pipe")
    trail = trail_of_now()

    trail.saw(str(tmp_path / "pipe"))

    assert trail.marks is None


def test_a_closed_trail_takes_nothing_more(tmp_path: Path) -> None:
    """What tasks read later does not decide where the first one went."""
    trail = trail_of_now()
    trail.saw(str(tmp_path / "first"))

    trail.close()
    trail.saw(str(tmp_path / "second"))

    assert list(trail.marks or ()) == [str(tmp_path / "first")]
