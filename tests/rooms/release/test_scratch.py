"""The folder on the machine that deploys."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from herder.release.scratch import scratch_folder


def test_it_is_gone_at_every_end(tmp_path: Path) -> None:
    """An archive of the site for each deployment that failed fills a disk one day."""
    with pytest.raises(KeyboardInterrupt):
        _pack_and_break_off(tmp_path)

    assert list(tmp_path.iterdir()) == []


def _pack_and_break_off(parent: Path) -> None:
    with scratch_folder(parent) as folder:
        (folder / "code.tar.gz").write_text("code")
        raise KeyboardInterrupt


def test_only_its_user_may_look_into_it(tmp_path: Path) -> None:
    """Code may hold what others must not read."""
    with scratch_folder(tmp_path) as folder:
        assert folder.stat().st_mode & 0o077 == 0


def test_what_a_killed_deployment_left_goes_with_the_next(tmp_path: Path) -> None:
    """Nobody can tidy up after kill -9 but the next one; those that still run keep theirs."""
    ended = subprocess.Popen(["true"])
    ended.wait()
    left, used, other = (
        tmp_path / f"herder-deploy-{owner}-x" for owner in (ended.pid, os.getppid(), "other")
    )
    for folder in (left, used, other):
        folder.mkdir()

    with scratch_folder(tmp_path):
        assert (left.exists(), used.exists(), other.exists()) == (False, True, True)
