"""The controller's side of release_stage: what of a directory travels."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.herder.deploy.plugins.action import release_stage as action
from ansible_collections.herder.deploy.plugins.module_utils.release_layout import DeployError


def test_directory_is_listed_with_its_name_unless_a_slash_ends_it(tmp_path: Path) -> None:
    """As with rsync, which is what people moved here from."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "a.txt").write_text("a")

    whole = action.tree_entries(str(tmp_path / "app"), "app", [])
    inner = action.tree_entries(str(tmp_path / "app"), "", [])

    assert [(each["path"], each["type"]) for each in whole] == [
        ("app", "directory"),
        ("app/a.txt", "file"),
    ]
    assert [each["path"] for each in inner] == ["a.txt"]


def test_pipe_in_a_directory_is_told_before_anything_travels(tmp_path: Path) -> None:
    """A server's socket lies beside the code it was started from; hosts failed with a KeyError."""
    os.mkfifo(tmp_path / "app.sock")

    with pytest.raises(DeployError, match=r"app\.sock is neither file, directory nor link"):
        action.tree_entries(str(tmp_path), "", [])

    assert action.tree_entries(str(tmp_path), "", ["*.sock"]) == []
