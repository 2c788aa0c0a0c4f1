"""Imports `ansible` and `ansible_collections` from a bundle, as from the zip of AnsiballZ.

It goes before all other finders, so an ansible installed on the target is shadowed; a name that
the bundle does not have falls through to it, as it does with the zip.
*Source*: ansible-core 2.19 _internal/_ansiballz/_wrapper.py.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import io
from types import CodeType, ModuleType
from typing import Any, BinaryIO, Callable, Dict, Iterator, List, Optional, Tuple, cast

from herder.agent.store import ROOT, Part, Store

PACKAGE_FILE = "__init__.py"


class BundleImporter:
    """Finder and loader for one bundle's files."""

    def __init__(self, store: Store, parts: Tuple[Part, ...]) -> None:
        self.parts = parts
        self._store = store
        self._files = dict(parts)
        self._names = dict(_named(path) for path in self._files if path.endswith(".py"))
        self._folders = _folders(self._files)
        self.after_import: Dict[str, Callable[[ModuleType], None]] = {}

    def digest(self, name: str) -> str:
        """Give the digest of the content that a module name has in this bundle, '' for none."""
        return self._files.get(self._names.get(name, ""), "")

    def find_spec(
        self, fullname: str, path: object = None, target: object = None
    ) -> Optional[importlib.machinery.ModuleSpec]:
        """Give the spec of a module in the bundle, None for any other."""
        file = self._names.get(fullname)
        if file is None:
            return self._namespace(fullname)
        # not derived from the abstract loader: importing that costs every agent a millisecond
        loader = cast("Any", self)
        spec = importlib.machinery.ModuleSpec(
            fullname, loader, origin=f"{ROOT}/{file}", is_package=self.is_package(fullname)
        )
        spec.has_location = True
        if spec.submodule_search_locations is not None:
            spec.submodule_search_locations.append(f"{ROOT}/{file[: -len(PACKAGE_FILE) - 1]}")
        return spec

    def create_module(self, spec: object) -> None:
        """Leave making the module to the import system."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's code in its namespace."""
        exec(self.get_code(module.__name__), module.__dict__)
        if module.__name__ in self.after_import:
            self.after_import[module.__name__](module)

    def is_package(self, fullname: str) -> bool:
        """Whether the name's file is a package's."""
        return self._file(fullname).endswith("/" + PACKAGE_FILE)

    def get_code(self, fullname: str) -> CodeType:
        """Give the name's code object."""
        path = self._file(fullname)
        return self._store.code((path, self._files[path]))

    def get_source(self, fullname: str) -> str:
        """Give the name's source text, as `inspect` and tracebacks want it."""
        source = self._store.source(self._files[self._file(fullname)])
        return importlib.util.decode_source(source)

    def get_filename(self, fullname: str) -> str:
        """Give what `__file__` is."""
        return f"{ROOT}/{self._file(fullname)}"

    def get_data(self, path: str) -> bytes:
        """Give the content of a file of the bundle by its full path."""
        digest = self._files.get(path[len(ROOT) + 1 :]) if path.startswith(ROOT) else None
        if digest is None:
            raise FileNotFoundError(path)
        return self._store.source(digest)

    def get_resource_reader(self, fullname: str) -> Optional[BundleFolder]:
        """Give `importlib.resources` the package's folder."""
        return BundleFolder(self, self._file(fullname)[: -len(PACKAGE_FILE) - 1])

    def names_below(self, folder: str) -> List[str]:
        """Give what stands directly in a folder of the bundle."""
        start = f"{folder}/"
        return sorted(
            {path[len(start) :].split("/")[0] for path in self._files if path.startswith(start)}
        )

    def contents(self) -> Iterator[Tuple[str, bytes]]:
        """Give every path with its content."""
        return ((path, self._store.source(digest)) for path, digest in self.parts)

    def has_file(self, path: str) -> bool:
        """Whether the bundle has this very file."""
        return path in self._files

    def has_folder(self, path: str) -> bool:
        """Whether the bundle has something below this path."""
        return path in self._folders

    def _file(self, name: str) -> str:
        try:
            return self._names[name]
        except KeyError:
            raise ImportError(f"bundle has no module {name!r}", name=name) from None

    def _namespace(self, name: str) -> Optional[importlib.machinery.ModuleSpec]:
        folder = name.replace(".", "/")
        if folder not in self._folders:
            return None
        spec = importlib.machinery.ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = [f"{ROOT}/{folder}"]
        return spec


class BundleFolder:
    """A folder or file of a bundle, for `importlib.resources` of any Python version."""

    def __init__(self, importer: BundleImporter, path: str) -> None:
        self._importer = importer
        self._path = path

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self._path.rpartition("/")[2]

    def files(self) -> BundleFolder:
        """Give the package's own folder."""
        return self

    def iterdir(self) -> Iterator[BundleFolder]:
        """Give what is directly below."""
        return (self / name for name in self._importer.names_below(self._path))

    def is_dir(self) -> bool:
        """Whether something is below."""
        return self._importer.has_folder(self._path)

    def is_file(self) -> bool:
        """Whether this is a file."""
        return self._importer.has_file(self._path)

    def joinpath(self, *names: str) -> BundleFolder:
        """Give what is at a path below."""
        return BundleFolder(self._importer, "/".join((self._path, *names)))

    def __truediv__(self, name: str) -> BundleFolder:
        return self.joinpath(name)

    def open(self, mode: str = "r", *_: Any, **options: Any) -> Any:
        """Open the file for reading."""
        content = io.BytesIO(self.read_bytes())
        return content if "b" in mode else io.TextIOWrapper(content, **options)

    def read_bytes(self) -> bytes:
        """Give the file's content."""
        return self._importer.get_data(f"{ROOT}/{self._path}")

    def read_text(self, encoding: Optional[str] = None) -> str:
        """Give the file's content as text."""
        return self.read_bytes().decode(encoding or "utf-8")

    def open_resource(self, resource: str) -> BinaryIO:
        """Open a file directly below."""
        return io.BytesIO((self / resource).read_bytes())

    def resource_path(self, resource: str) -> str:
        """Say that the file is not on disk, so that a copy is made where one is needed."""
        raise FileNotFoundError(resource)

    def is_resource(self, name: str) -> bool:
        """Whether a file of this name is directly below."""
        return (self / name).is_file()

    def contents(self) -> Iterator[str]:
        """Give the names directly below."""
        return iter(self._importer.names_below(self._path))


def _named(path: str) -> Tuple[str, str]:
    stem = path[:-3]
    if path.endswith("/" + PACKAGE_FILE):
        stem = path[: -len(PACKAGE_FILE) - 1]
    return stem.replace("/", "."), path


def _folders(files: Dict[str, str]) -> Dict[str, None]:
    folders: Dict[str, None] = {}
    for path in files:
        parts = path.split("/")[:-1]
        for size in range(1, len(parts) + 1):
            folders["/".join(parts[:size])] = None
    return folders
