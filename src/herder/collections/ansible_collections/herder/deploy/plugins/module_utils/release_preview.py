"""What a release from git would bring over the one that serves: commits and files."""

from __future__ import annotations

import contextlib
import os
import tempfile
from typing import Dict, Iterator, List, Optional, Sequence

from ansible_collections.herder.deploy.plugins.module_utils.release_git import (
    Git,
    Source,
    cache,
    deploy_key,
    git_directory,
)
from ansible_collections.herder.deploy.plugins.module_utils.release_layout import (
    Json,
    Layout,
    write_text,
)


def log_between(git: Git, before: str, after: str, limit: int = 50) -> Sequence[Json]:
    """List the commits that come with a deployment, newest first."""
    if not before or git.attempt("cat-file", "-e", before + "^{commit}").returncode:
        return []
    said = git.run("log", "-n%d" % limit, "--format=%H%x00%an%x00%ct%x00%s", before + ".." + after)
    rows = [line.split("\0") for line in said.splitlines() if line.count("\0") == 3]
    return [
        {"commit": row[0], "author": row[1], "when": int(row[2]), "subject": row[3]} for row in rows
    ]


def changed_files(git: Git, before: str, after: str) -> Optional[Dict[str, List[str]]]:
    """List the files that differ between two commits; None when the first one is not known."""
    if not before or git.attempt("cat-file", "-e", before + "^{commit}").returncode:
        return None
    tree = git.source.tree.strip("/")
    names = ["%s:%s" % (commit, tree) if tree else commit for commit in (before, after)]
    said = git.run("diff-tree", "-r", "-z", "--no-renames", "--name-status", *names)
    words = said.split("\0")
    found: Dict[str, List[str]] = {"added": [], "changed": [], "removed": []}
    kinds = {"A": "added", "D": "removed"}
    for index in range(0, len(words) - 1, 2):
        found[kinds.get(words[index][:1], "changed")].append(words[index + 1])
    return found


@contextlib.contextmanager
def scratch(layout: Layout, source: Source, key: str) -> Iterator[Git]:
    """Give a cache that is gone afterwards and borrows what the real one has; for looking only."""
    with tempfile.TemporaryDirectory(prefix="herder-") as directory:
        place = Layout(os.path.join(directory, "site"))
        place.prepare()
        with deploy_key(place, key, source.key_path) as path:
            source = source._replace(key_path=path)
            with cache(place, source) as git:
                _borrow(git, os.path.join(git_directory(layout), "objects"))
                yield git


def _borrow(git: Git, objects: str) -> None:
    """Let a cache use the objects of another one."""
    if os.path.isdir(objects):
        info = os.path.join(git.directory, "objects", "info")
        os.makedirs(info, exist_ok=True)
        write_text(os.path.join(info, "alternates"), objects + "\n")
