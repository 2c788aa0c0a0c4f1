"""What a directory tree is: its entries, one digest over them, and how two trees differ.

*Shapes*: an entry is a dict: `path` (relative, '/' between), `type` ('file', 'directory', 'link',
'other'), `mode` (octal text), `digest` (sha256 hex of a file's content), `target` (of a link),
`size` and `mtime_ns`. The tree digest covers path, type, mode, digest and target of every entry
in the order of the paths' bytes; owner, time and size are left out, so that hosts can be compared.
"""

from __future__ import annotations

import fnmatch
import hashlib
import os
import stat
from typing import Dict, Iterable, Iterator, List, Sequence

from ansible_collections.herder.deploy.plugins.module_utils.release_layout import Json

READ_BYTES = 1 << 20
SHOWN_PATHS = 50


def scan(root: str, ignore: Sequence[str] = (), hashed: bool = True) -> List[Json]:
    """List every entry under root in digest order, without those that a pattern leaves out."""
    found = [_entry(root, path, hashed) for path in _walk(root, "", ignore)]
    return sorted(found, key=lambda entry: os.fsencode(entry["path"]))


def _walk(root: str, below: str, ignore: Sequence[str]) -> Iterator[str]:
    with os.scandir(os.path.join(root, below)) as entries:
        for each in entries:
            path = os.path.join(below, each.name)
            is_directory = each.is_dir(follow_symlinks=False)
            if is_ignored(path, is_directory, ignore):
                continue
            yield path
            if is_directory:
                yield from _walk(root, path, ignore)


def is_ignored(path: str, is_directory: bool, patterns: Sequence[str]) -> bool:
    """Tell whether a pattern names this path.

    *Shapes*: as rsync's plain excludes: 'name' or '*.pyc' anywhere, '/name' or 'a/b' from the root,
    a '/' at the end for directories only. `path` is relative, without a leading '/'.
    """
    return any(_is_match(path, is_directory, pattern) for pattern in patterns)


def _is_match(path: str, is_directory: bool, pattern: str) -> bool:
    if pattern.endswith("/") and not is_directory:
        return False
    plain = pattern.strip("/")
    if pattern.startswith("/") or "/" in plain:
        return fnmatch.fnmatchcase(path, plain)
    return fnmatch.fnmatchcase(os.path.basename(path), plain)


def _entry(root: str, path: str, hashed: bool) -> Json:
    full = os.path.join(root, path)
    status = os.lstat(full)
    entry: Json = {"path": path, "type": _type(status.st_mode), "mode": _mode(status.st_mode)}
    if entry["type"] == "link":
        entry["target"] = os.readlink(full)
    if entry["type"] == "file":
        entry["size"] = status.st_size
        entry["mtime_ns"] = status.st_mtime_ns
        if hashed:
            entry["digest"] = file_digest(full)
    return entry


def _type(mode: int) -> str:
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "directory"
    return "link" if stat.S_ISLNK(mode) else "other"


def _mode(mode: int) -> str:
    """Give the permission bits that count: a directory inherits setgid, a link has none."""
    if stat.S_ISLNK(mode):
        return ""
    return "%04o" % (mode & (0o777 if stat.S_ISDIR(mode) else 0o7777))


def file_digest(path: str) -> str:
    """Give the sha256 of a file's content, in hex."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while True:
            block = file.read(READ_BYTES)
            if not block:
                return digest.hexdigest()
            digest.update(block)


def tree_digest(entries: Iterable[Json]) -> str:
    """Give the digest of a tree, in hex; entries must be hashed and in digest order."""
    digest = hashlib.sha256()
    for entry in entries:
        for field in ("type", "mode", "path", "digest", "target"):
            digest.update(os.fsencode(entry.get(field, "")) + b"\0")
        digest.update(b"\n")
    return digest.hexdigest()


def totals(entries: Sequence[Json]) -> Json:
    """Count entries and the bytes of the files among them."""
    return {"entries": len(entries), "bytes": sum(int(each.get("size", 0)) for each in entries)}


def differences(before: Sequence[Json], after: Sequence[Json]) -> Dict[str, List[str]]:
    """List the paths that were added, removed or changed between two listings."""
    old = {each["path"]: each for each in before}
    new = {each["path"]: each for each in after}
    changed = [path for path in new if path in old and not _is_same(old[path], new[path])]
    return {
        "added": sorted(set(new) - set(old)),
        "changed": sorted(changed),
        "removed": sorted(set(old) - set(new)),
    }


def _is_same(old: Json, new: Json) -> bool:
    """Compare two entries by content; by size and time where one of them was not hashed."""
    if any(old.get(field) != new.get(field) for field in ("type", "mode", "target")):
        return False
    if old["type"] != "file":
        return True
    if "digest" in old and "digest" in new:
        return bool(old["digest"] == new["digest"])
    return all(old.get(field) == new.get(field) for field in ("size", "mtime_ns"))


def shown(found: Dict[str, List[str]], limit: int = SHOWN_PATHS) -> Json:
    """Cut lists of paths to what a person reads, with their true counts."""
    result: Json = {kind: paths[:limit] for kind, paths in found.items()}
    result["counts"] = {kind: len(paths) for kind, paths in found.items()}
    return result
