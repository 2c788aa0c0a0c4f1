"""Bundles kept from run to run, so that a module's imports are followed once, not once a run.

An entry holds where each file of a bundle came from. It counts only while every such file is where
a new search would find it, with the size and time it had; files that ansible-core made up are kept
in the entry. Nothing of a task is in it.

*Source*: ansible-core 2.19 executor/module_common.py, `recursive_finder` (where files are sought).
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ansible
from ansible import release
from ansible.plugins.loader import module_utils_loader
from ansible.utils.collection_loader import AnsibleCollectionConfig

from herder.kept_file import drop_oldest, is_ours_alone, replace_file
from herder.model.ports import ModuleBundle, ModuleFile

CORE = Path(ansible.__file__).parent
ENTRIES_LIMIT = 2000


class ModuleCache:
    """Entries in a directory, one file for each module; a broken or unwritable one is no entry."""

    def __init__(self, directory: Path, *, entries_limit: int = ENTRIES_LIMIT) -> None:
        self._directory = directory
        self._entries_limit = entries_limit

    def load(self, name: str, path: str) -> ModuleBundle | None:
        """Give the bundle of this module when all its files are as they were."""
        search = _Search.now()
        try:
            entry = json.loads(_own_bytes(self._entry(name, path, search)))
            files = tuple(_loaded(kept, search) for kept in entry["files"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if any(file is None for file in files) or entry["module"] != _mark(path):
            return None
        return ModuleBundle(
            name=name,
            fqn=entry["fqn"],
            digest=entry["digest"],
            files=tuple(file for file in files if file is not None),
            profile=entry["profile"],
        )

    def store(self, bundle: ModuleBundle, path: str) -> None:
        """Keep this bundle; without room or permission nothing is kept and nothing is said."""
        search = _Search.now()
        entry = {
            "fqn": bundle.fqn,
            "digest": bundle.digest,
            "profile": bundle.profile,
            "module": _mark(path),
            "files": [_kept(file, search, path, bundle.fqn) for file in bundle.files],
        }
        target = self._entry(bundle.name, path, search)
        with contextlib.suppress(OSError):
            replace_file(target, json.dumps(entry).encode())
            drop_oldest(self._directory, self._entries_limit)

    def _entry(self, name: str, path: str, search: _Search) -> Path:
        words = (release.__version__, str(CORE), name, path, search.mark())
        return self._directory / hashlib.sha256("\0".join(words).encode()).hexdigest()


@dataclass(frozen=True)
class _Search:
    """Where module_utils and collections are sought now, in order."""

    module_utils: tuple[str, ...]
    collections: tuple[str, ...]

    @classmethod
    def now(cls) -> _Search:
        paths = module_utils_loader._get_paths(subdirs=False)
        own = tuple(path for path in paths if os.path.isdir(path))
        collections = tuple(str(path) for path in AnsibleCollectionConfig.collection_paths)
        return cls((*own, str(CORE / "module_utils")), collections)

    def find(self, name: str) -> str | None:
        """Give the file that a name inside a bundle stands for, or None when none does."""
        if name.startswith("ansible/module_utils/"):
            rest = name.removeprefix("ansible/module_utils/")
            candidates = [os.path.join(root, rest) for root in self.module_utils]
        elif name.startswith("ansible/modules/"):
            candidates = [str(CORE.parent / name)]
        elif name.startswith("ansible_collections/"):
            candidates = list(self._in_collections(name))
        else:
            candidates = []
        return next((path for path in candidates if os.path.isfile(path)), None)

    def _in_collections(self, name: str) -> Iterable[str]:
        for root in self.collections:
            yield os.path.join(root, name)
            yield os.path.join(root, name.removeprefix("ansible_collections/"))

    def mark(self) -> str:
        """Change when a directory of the user's module_utils gets or loses a file."""
        own = [path for path in self.module_utils if not path.startswith(str(CORE))]
        names = [str(file) for path in own for file in sorted(Path(path).rglob("*.py"))]
        return "\n".join((*own, *names, *self.collections))


def _own_bytes(path: Path) -> bytes:
    """Read an entry: it is run on hosts. *Raises*: OSError, also where others could write it."""
    with path.open("rb") as file:
        if not is_ours_alone(file.fileno()):
            raise PermissionError(path)
        return file.read()


def _mark(path: str) -> list[int]:
    status = os.stat(path)
    return [status.st_mtime_ns, status.st_size]


def _kept(file: ModuleFile, search: _Search, path: str, fqn: str) -> dict[str, Any]:
    is_module = file.path == fqn.replace(".", "/") + ".py"
    source = path if is_module else search.find(file.path)
    if source is not None and Path(source).read_bytes() == file.content:
        found = {"source": source, "mark": _mark(source), "is_module": is_module}
        return {"path": file.path, "digest": file.digest, **found}
    content = base64.b64encode(file.content).decode()
    return {"path": file.path, "digest": file.digest, "content": content}


def _loaded(kept: dict[str, Any], search: _Search) -> ModuleFile | None:
    if "content" in kept:
        content = base64.b64decode(kept["content"])
        return ModuleFile(kept["path"], kept["digest"], content)
    source = kept["source"]
    is_there = kept["is_module"] or search.find(kept["path"]) == source
    if not is_there or _mark(source) != kept["mark"]:
        return None
    return ModuleFile(kept["path"], kept["digest"], Path(source).read_bytes())
