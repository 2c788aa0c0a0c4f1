"""A git repository to take code from."""

from __future__ import annotations

import subprocess
from pathlib import Path


def make_origin(path: Path) -> Path:
    """Make a repository with one empty commit on its branch main; give its path."""
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    commit = ["commit", "--quiet", "--allow-empty", "--message=one"]
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", str(path)], check=True)
    subprocess.run(["git", "-C", str(path), *identity, *commit], check=True)
    return path
