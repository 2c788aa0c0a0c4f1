"""Trees: one digest that sees every change that counts, and none that does not."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.herder.deploy.plugins.module_utils import release_tree as trees


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give a small tree with a file, a directory and a link."""
    (tmp_path / "dir").mkdir()
    (tmp_path / "dir" / "file").write_text("text")
    (tmp_path / "link").symlink_to("dir/file")
    return tmp_path


def digest(root: Path, *ignore: str) -> str:
    """Give the digest of a tree."""
    return str(trees.tree_digest(trees.scan(str(root), ignore)))


CHANGES: dict[str, Callable[[Path], object]] = {
    "content": lambda root: (root / "dir" / "file").write_text("tex2"),
    "mode": lambda root: (root / "dir" / "file").chmod(0o755),
    "added": lambda root: (root / "new").write_text(""),
    "removed": lambda root: (root / "dir" / "file").unlink(),
    "renamed": lambda root: (root / "dir" / "file").rename(root / "dir" / "file2"),
    "link target": lambda root: (root / "link").replace(root / "dir" / "link"),
    "empty directory": lambda root: (root / "empty").mkdir(),
    "directory mode": lambda root: (root / "dir").chmod(0o700),
}


@pytest.mark.parametrize("change", CHANGES)
def test_digest_sees_every_change(root: Path, change: str) -> None:
    """Two hosts with this difference must not both switch."""
    before = digest(root)

    CHANGES[change](root)

    assert digest(root) != before


def test_digest_does_not_see_times_and_what_is_ignored(root: Path) -> None:
    """Times differ on every host; caches differ by right."""
    before = digest(root, "__pycache__/", "*.pyc", "/var/cache")

    os.utime(root / "dir" / "file", (1, 1))
    (root / "dir" / "__pycache__").mkdir()
    (root / "dir" / "x.pyc").write_text("")
    (root / "var").mkdir()
    with_var = digest(root, "__pycache__/", "*.pyc", "/var/cache")
    (root / "var" / "cache").mkdir()

    assert digest(root, "__pycache__/", "*.pyc", "/var") == before
    assert digest(root, "__pycache__/", "*.pyc", "/var/cache") == with_var


def test_odd_names_are_no_trouble(root: Path) -> None:
    """A file's name is bytes, with newlines if need be, and must not confuse the digest."""
    (root / "a\nb").write_text("")
    (root / os.fsdecode(b"\xff")).write_text("")

    assert digest(root) == digest(root)


def test_differences_are_listed_by_file(root: Path) -> None:
    """A digest says that hosts differ; a person needs to know where."""
    before = trees.scan(str(root))
    (root / "dir" / "file").write_text("other")
    (root / "new").write_text("")
    (root / "link").unlink()

    found = trees.differences(before, trees.scan(str(root)))

    assert found == {"added": ["new"], "changed": ["dir/file"], "removed": ["link"]}


@pytest.mark.parametrize(
    ("path", "is_directory", "pattern", "expected"),
    [
        ("a/b.pyc", False, "*.pyc", True),
        ("a/cache", False, "cache/", False),
        ("a/cache", True, "cache/", True),
        ("a/cache", True, "/cache", False),
        ("cache", True, "/cache", True),
        ("a/b/c", False, "b/c", False),
        ("a/b", False, "a/b", True),
    ],
)
def test_patterns(path: str, is_directory: bool, pattern: str, expected: bool) -> None:  # noqa: FBT001  # a table
    """They mean what rsync's plain excludes mean."""
    assert trees.is_ignored(path, is_directory, [pattern]) is expected
