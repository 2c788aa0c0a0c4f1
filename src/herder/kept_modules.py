"""The code of all modules that a run imports, kept in one file, so that none is looked for.

Of a run that does little, a sixth is spent on looking for modules in directories and on opening a
file for each. A module found here has its source where Python would find it, with the time and size
it had: the same that Python asks of its own files of bytecode, for which this stands in.
"""

from __future__ import annotations

import contextlib
import importlib.util
import marshal
import mmap
import os
import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, NamedTuple

from herder.kept_file import INTERPRETER, is_ours_alone, replace_file

# a file is written anew for so many modules that it lacks
WORTHWHILE = 8
LIMIT_BYTES = 48 * 1024 * 1024
LENGTH_BYTES = 8
# what marshal says to bytes that are not its own, as of a file that lost its end with the power
_BROKEN = (ValueError, EOFError, TypeError)


class Entry(NamedTuple):
    """Where a module's source is, how it was, and where its code is in the file.

    `searched` are the directories of its package; () for a module of none, which is in one of
    Python's own path. `locations` are those of a package's own modules.
    """

    origin: str
    mark: tuple[int, int]
    searched: tuple[str, ...]
    locations: tuple[str, ...] | None
    begin: int
    end: int


class KeptLoader(SourceFileLoader):
    """Loads a module as Python does, from code that is known."""

    code: CodeType | None = None

    def get_code(self, fullname: str) -> CodeType | None:
        code, self.code = self.code, None
        return code or super().get_code(fullname)


class KeptModules:
    """A finder of modules that goes before Python's own for directories."""

    def __init__(self, path: Path) -> None:
        self._file = path
        self._data: Any = b""
        self._entries: dict[str, Entry] = {}
        self._directories: dict[str, int] = {}
        self._unchanged: dict[str, bool] = {}
        self._path = list(sys.path)
        self._hidden: set[str] = set()
        with contextlib.suppress(OSError, *_BROKEN):
            self._open()

    def _open(self) -> None:
        with self._file.open("rb") as file:
            if not is_ours_alone(file.fileno()):
                return
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        size = int.from_bytes(data[:LENGTH_BYTES], "big")
        about, *index = marshal.loads(data[LENGTH_BYTES : LENGTH_BYTES + size])
        if about != INTERPRETER:
            return
        path, directories, entries = index
        self._hidden = _hidden(path, directories)
        self._data = memoryview(data)[LENGTH_BYTES + size :]
        self._directories = directories
        self._entries = {name: Entry(*fields) for name, fields in entries.items()}

    @contextlib.contextmanager
    def used(self) -> Iterator[None]:
        """Python finds modules here first."""
        place = sys.meta_path.index(PathFinder) if PathFinder in sys.meta_path else 0
        sys.meta_path.insert(place, self)
        try:
            yield
        finally:
            with contextlib.suppress(ValueError):
                sys.meta_path.remove(self)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Give the module when it is known and all is as it was; None leaves it to Python."""
        entry = self._entries.get(name)
        if entry is None or not self._is_as_it_was(name, path, entry):
            return None
        loader = KeptLoader(name, entry.origin)
        try:
            loader.code = marshal.loads(self._data[entry.begin : entry.end])
        except _BROKEN:
            # nothing of it is believed any more: then the file is written anew
            self._entries.clear()
            return None
        locations = None if entry.locations is None else list(entry.locations)
        return importlib.util.spec_from_file_location(
            name, entry.origin, loader=loader, submodule_search_locations=locations
        )

    def _is_as_it_was(self, name: str, path: Sequence[str] | None, entry: Entry) -> bool:
        if path is None:
            is_found = name not in self._hidden and sys.path == self._path
        else:
            is_found = tuple(path) == entry.searched and all(map(self._is_unchanged, path))
        return is_found and _mark(entry.origin) == entry.mark

    def _is_unchanged(self, directory: str) -> bool:
        known = self._unchanged.get(directory)
        if known is None:
            known = _time(directory) == self._directories.get(directory)
            self._unchanged[directory] = known
        return known

    def learn(self) -> None:
        """Keep what was imported, when enough of it was not known; a run never fails of it."""
        with contextlib.suppress(OSError, ValueError, ImportError, SyntaxError):
            self._learn()

    def _learn(self) -> None:
        others = [name for name, module in list(sys.modules.items()) if _is_of_python(module)]
        missing = [name for name in others if _spec(name, self._path) and not self._is_known(name)]
        if len(missing) < WORTHWHILE:
            return
        found = {name: spec for name in list(sys.modules) if (spec := _spec(name, self._path))}
        self._write(found)

    def _is_known(self, name: str) -> bool:
        entry = self._entries.get(name)
        return entry is not None and self._is_as_it_was(name, _searched(name), entry)

    def _write(self, found: dict[str, ModuleSpec]) -> None:
        """Write the file with the modules found, and those of before that are as they were."""
        known = [name for name in self._entries if name not in found and self._is_kept(name)]
        parts: list[bytes] = []
        entries: dict[str, tuple[Any, ...]] = {}
        place = 0
        for name in (*found, *known):
            code, fields = self._known(name) if name in known else _read(name, found[name])
            parts.append(code)
            entries[name] = (*fields, place, place + len(code))
            place += len(code)
        if place > LIMIT_BYTES:
            return
        searched = {folder for fields in entries.values() for folder in fields[2]}
        tops = _tops(entries)
        path = [folder for folder in self._path if folder in tops]
        directories = {folder: _time(folder) for folder in (*path, *searched)}
        index = marshal.dumps((INTERPRETER, path, directories, entries))
        size = len(index).to_bytes(LENGTH_BYTES, "big")
        replace_file(self._file, b"".join([size, index, *parts]))

    def _is_kept(self, name: str) -> bool:
        entry = self._entries[name]
        return all(map(self._is_unchanged, entry.searched)) and _mark(entry.origin) == entry.mark

    def _known(self, name: str) -> tuple[bytes, tuple[Any, ...]]:
        entry = self._entries[name]
        return bytes(self._data[entry.begin : entry.end]), tuple(entry[:-2])


def _hidden(path: list[str], directories: dict[str, int]) -> set[str]:
    """Give the names that may now be found in a directory of Python's path that is new or changed.

    *Raises*: OSError when a part of the path is no directory; ValueError when the known parts of
    it stand in another order.
    """
    if [folder for folder in sys.path if folder in path] != path:
        raise ValueError(path)
    names: set[str] = set()
    for folder in sys.path:
        if folder in path and _time(folder) == directories[folder]:
            continue
        with contextlib.suppress(FileNotFoundError):
            names.update(name.partition(".")[0] for name in os.listdir(folder or "."))
    return names


def _is_of_python(module: Any) -> bool:
    """Say whether Python's own loader brought a module, and not the one here."""
    return type(getattr(module, "__loader__", None)) is SourceFileLoader


def _spec(name: str, path: list[str]) -> ModuleSpec | None:
    """Give the spec of an imported module when Python found it by its path, in a file of source.

    ansible-core loads filters, tests and callbacks from their files under names of its own, some
    with a number that is another in each run: those are not found by any path.

    *Source*: ansible-core 2.19, lib/ansible/plugins/loader.py (`_python_module_name`).
    """
    spec: ModuleSpec | None = getattr(sys.modules.get(name), "__spec__", None)
    if spec is None or spec.name != name or type(spec.loader) not in (SourceFileLoader, KeptLoader):
        return None
    origin = spec.origin or ""
    folder = _top(origin, spec.submodule_search_locations)
    place = _searched(name)
    is_named = origin.endswith(_endings(name.rpartition(".")[2]))
    return spec if is_named and folder in (path if place is None else place) else None


def _endings(name: str) -> tuple[str, str]:
    """Give how the files end in which Python finds a module of this name."""
    return f"{os.sep}{name}.py", f"{os.sep}{name}{os.sep}__init__.py"


def _searched(name: str) -> tuple[str, ...] | None:
    """Give where a module of a package is sought; None for a module of none."""
    package = name.rpartition(".")[0]
    return tuple(getattr(sys.modules.get(package), "__path__", ())) if package else None


def _top(origin: str, locations: Any) -> str:
    """Give the directory in which a module of this file was found."""
    folder = os.path.dirname(origin)
    return folder if locations is None else os.path.dirname(folder)


def _tops(entries: dict[str, tuple[Any, ...]]) -> set[str]:
    return {_top(fields[0], fields[3]) for name, fields in entries.items() if "." not in name}


def _read(name: str, spec: ModuleSpec) -> tuple[bytes, tuple[Any, ...]]:
    """Give the code of a module, and all of its entry but the place of that."""
    origin = str(spec.origin)
    mark = _mark(origin)
    code = marshal.dumps(SourceFileLoader(name, origin).get_code(name))
    locations = spec.submodule_search_locations
    return code, (
        origin,
        mark,
        _searched(name) or (),
        None if locations is None else tuple(locations),
    )


def _mark(path: str) -> tuple[int, int]:
    """Give what changes with a file; (0, 0) when it is not there."""
    try:
        status = os.stat(path)
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size


def _time(folder: str) -> int:
    """Give what changes with the names in a directory."""
    return _mark(folder)[0]
