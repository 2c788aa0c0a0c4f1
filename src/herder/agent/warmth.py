"""What the agent has imported ahead, so that a forked child need not; and when that is stale.

Law: a child must not see anything that a fresh Python would not see. What is imported ahead fits a
bundle when every name has the same content there; what changes where Python looks for modules
(a package installed during the run) makes the agent forget and import again.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import platform
import site
import sys
from collections.abc import KeysView, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Dict, List, Optional, Set, Tuple

from herder.agent.importer import BundleImporter
from herder.agent.start import read_checked, write_checked
from herder.agent.store import Part, Store
from herder.agent.surroundings import fingerprint, site_folders

_LOADER = "ansible.module_utils._internal._ansiballz._loader"
_ENTRIES = (
    _LOADER,
    "ansible.module_utils.basic",
    "ansible.module_utils._internal._json._profiles._module_legacy_c2m",
    "ansible.module_utils._internal._json._profiles._module_legacy_m2c",
    "ansible.module_utils.common.locale",
    "ansible.module_utils.common.file",
)
_STANDARD = (
    "atexit base64 datetime errno filecmp fnmatch glob grp hashlib linecache locale platform pwd "
    "runpy selectors shlex shutil syslog tempfile traceback types"
)


class Warmth:
    """The modules that are imported ahead in this process."""

    def __init__(self, store: Store, note: Optional[str]) -> None:
        self._store = store
        self._note = note
        self._loaded: Dict[str, str] = {}
        self._tried: Set[Tuple[str, ...]] = set()
        self._fingerprint = fingerprint()

    def start(self) -> None:
        """Import what the last run on this host used, while nobody waits for it."""
        note = read_checked(self._note) if self._note else None
        if note is None:
            return
        parts: List[Part] = [(str(path), str(digest)) for path, digest in json.loads(note)]
        if not self._store.missing(parts):
            self._import(BundleImporter(self._store, tuple(parts)))
            self._tried.clear()

    def fits(self, importer: BundleImporter) -> bool:
        """Whether a child that runs this bundle may use what is imported; imports when first asked.

        When it must not, the child calls `forget` before it imports anything.
        """
        self._refresh()
        if not self._matches(importer) and _entry_digests(importer) not in self._tried:
            forget()
            self._import(importer)
            self._write_note(importer)
        return bool(self._loaded) and self._matches(importer)

    def _refresh(self) -> None:
        seen = fingerprint()
        if seen == self._fingerprint:
            return
        self._fingerprint = seen
        forget()
        self._loaded = {}
        self._tried.clear()
        importlib.invalidate_caches()
        _find_new_site_folders()

    def _matches(self, importer: BundleImporter) -> bool:
        if not self._loaded:
            return False
        return all(importer.digest(name) == digest for name, digest in self._loaded.items())

    def _import(self, importer: BundleImporter) -> None:
        self._tried.add(_entry_digests(importer))
        for name in _STANDARD.split():
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
        sys.meta_path.insert(0, importer)
        try:
            for name in _ENTRIES:
                if importer.digest(name):
                    importlib.import_module(name)
            self._loaded = {
                name: importer.digest(name) for name in tuple(sys.modules) if _is_ours(name)
            }
        except (Exception, SystemExit):  # noqa: BLE001 -- the child meets it too and reports it
            forget()
            self._loaded = {}
        finally:
            sys.meta_path.remove(importer)
            # what an import printed is not to be said again by each child
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(Exception):
                    stream.flush()
        _settle()

    def _write_note(self, importer: BundleImporter) -> None:
        if self._note and self._loaded:
            names = {importer.get_filename(name) for name in self._loaded if importer.digest(name)}
            parts = [part for part in importer.parts if any(n.endswith(part[0]) for n in names)]
            write_checked(self._note, json.dumps(parts).encode())


def forget() -> None:
    """Drop every module of ansible, and of packages beside it that could have changed."""
    for name, module in tuple(sys.modules.items()):
        file = getattr(module, "__file__", None) or ""
        if _is_ours(name) or "/site-packages/" in file or "/dist-packages/" in file:
            del sys.modules[name]


def _entry_digests(importer: BundleImporter) -> Tuple[str, ...]:
    return tuple(importer.digest(name) for name in _ENTRIES)


def _is_ours(name: str) -> bool:
    return name.partition(".")[0] in ("ansible", "ansible_collections")


def _settle() -> None:
    _learn_kinds()
    # what a fork shares must not be touched by the collector, or each child copies it
    platform._uname_cache = None  # type: ignore[attr-defined]  # noqa: SLF001 -- a task may rename the host
    gc.freeze()


def _learn_kinds() -> None:
    """Have Python remember what plain values are: it is asked in each child, and looks for long."""
    plain: Tuple[type, ...] = (int, float, str, bytes, list, tuple, dict, set, frozenset)
    for kind in (KeysView, Mapping, MutableMapping, MutableSequence, Sequence):
        for each in plain:
            issubclass(each, kind)


def _find_new_site_folders() -> None:
    for folder in site_folders():
        if os.path.isdir(folder):
            site.addsitedir(folder, set(sys.path))
