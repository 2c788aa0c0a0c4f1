"""The first thing that runs: makes the agent's own files importable, from its cache when it can.

It is executed as the top of the program that the first stage reads, and again imported as
`herder.agent.start` by those who need its private directory. Each start compiles it anew, so it
is short and imports little (no typing, no abstract base classes).
"""

from __future__ import annotations

import gc
import hashlib
import importlib
import importlib.util
import marshal
import os
import sys
from importlib.machinery import ModuleSpec
from types import CodeType, ModuleType

MAGIC = importlib.util.MAGIC_NUMBER.hex()
CHECKSUM_BYTES = 32


def private_directory() -> str | None:
    """Give this user's own cache directory, made when missing; None when there can be none.

    Code from it is run, so it is refused when somebody else could write it or what leads to it.
    """
    home = os.path.expanduser("~")
    base = os.path.join(home, ".cache")
    path = os.path.join(base, "herder")
    try:
        _require_own(home)
        for each in (base, path):
            if not os.path.isdir(each):
                os.mkdir(each, 0o700)
            _require_own(each)
    except OSError:
        return None
    return path


def _require_own(path: str) -> None:
    status = os.stat(path)
    if status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise PermissionError(path)


def read_checked(path: str) -> bytes | None:
    """Give what `write_checked` wrote, or None when it is missing or not whole."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        if os.fstat(descriptor).st_uid != os.geteuid():
            return None
        data = file.read()
    name = os.path.basename(path).encode()
    content = data[CHECKSUM_BYTES:]
    if hashlib.sha256(name + content).digest() != data[:CHECKSUM_BYTES]:
        return None
    return content


def write_checked(path: str, content: bytes) -> bool:
    """Keep content under path, whole or not at all; False when it could not be written."""
    temporary = f"{path}.{os.getpid()}"
    name = os.path.basename(path).encode()
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(hashlib.sha256(name + content).digest() + content)
            os.rename(temporary, path)
        except OSError:
            os.unlink(temporary)
            return False
    except OSError:
        return False
    return True


class AgentFinder:
    """Gives the agent's files to the import system: `herder` and what is below, nothing else."""

    def __init__(self, sources: dict[str, str], code: dict[str, CodeType]) -> None:
        self._sources = sources
        self._code = code

    def find_spec(
        self, fullname: str, path: object = None, target: object = None
    ) -> ModuleSpec | None:
        """Give the spec of one of our modules, None for all others."""
        if fullname in self._sources:
            return ModuleSpec(fullname, self, origin=f"<{fullname}>")  # type: ignore[arg-type]  # duck
        if fullname in ("herder", "herder.wire", "herder.agent"):
            return ModuleSpec(fullname, self, is_package=True)  # type: ignore[arg-type]  # duck
        return None

    def create_module(self, spec: object) -> None:
        """Leave making the module to the import system."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's code in its namespace."""
        if module.__name__ in self._sources:
            exec(self._code[module.__name__], module.__dict__)

    def get_source(self, name: str) -> str | None:
        """Give the source, for tracebacks."""
        return self._sources.get(name)


def load_code(sources: dict[str, str], digest: str) -> dict[str, CodeType]:
    """Give the code object of every source: from the cache, else compiled and cached."""
    directory = private_directory()
    path = f"{directory}/agent-{MAGIC}-{digest}"
    kept = read_checked(path) if directory else None
    if kept is not None:
        loaded: dict[str, CodeType] = marshal.loads(kept)
        return loaded
    # without docstrings and assertions: there is less to load next time
    code = {
        name: compile(text, f"<{name}>", "exec", dont_inherit=True, optimize=2)
        for name, text in sources.items()
    }
    if directory:
        write_checked(path, marshal.dumps(code))
    return code


def launch(sources: dict[str, str], digest: str) -> None:
    """Take over this process: it is an agent until its controller is gone."""
    # what is imported now stays for good; looking for garbage in it is wasted
    gc.disable()
    finder = AgentFinder(sources, load_code(sources, digest))
    sys.meta_path.insert(0, finder)
    importlib.import_module("herder.agent.main").main()
