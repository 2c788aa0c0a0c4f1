"""The first thing that runs: makes the agent's own files importable, from its cache when it can.

It is executed as the top of the program that the first stage reads, and again imported as
`herder.agent.start` by those who need its private directory. Each start compiles it anew and waits
for what it imports, so it is short and imports next to nothing: no package of the standard library.
"""

from __future__ import annotations

import gc
import marshal
import os
import sys
import zlib
from _frozen_importlib import ModuleSpec
from _frozen_importlib_external import MAGIC_NUMBER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

MAGIC = MAGIC_NUMBER.hex()
CHECKSUM_BYTES = 4
PARTS = f"part-{MAGIC}-"
"""What every file of the cache begins with that has a part of a bundle, for this Python."""


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
        with open(path, "rb", buffering=0, opener=_open_no_link) as file:
            if os.fstat(file.fileno()).st_uid != os.geteuid():
                return None
            data = file.read()
    except OSError:
        return None
    content = data[CHECKSUM_BYTES:]
    return content if data[:CHECKSUM_BYTES] == _checksum(path, content) else None


def _open_no_link(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW)


def write_checked(path: str, content: bytes) -> bool:
    """Keep content under path, whole or not at all; False when it could not be written."""
    temporary = f"{path}.{os.getpid()}"
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            with open(descriptor, "wb") as file:
                file.write(_checksum(path, content) + content)
            os.rename(temporary, path)
        except OSError:
            os.unlink(temporary)
            return False
    except OSError:
        return False
    return True


def _checksum(path: str, content: bytes) -> bytes:
    # against a torn or misplaced file; who may write here could make any checksum
    return zlib.crc32(content, zlib.crc32(os.path.basename(path).encode())).to_bytes(4, "big")


class AgentFinder:
    """Gives the agent's files to the import system: `herder` and what is below, nothing else."""

    def __init__(self, packed: bytes, code: dict[str, bytes]) -> None:
        self._packed = packed
        self._code = code

    def find_spec(
        self, fullname: str, path: object = None, target: object = None
    ) -> ModuleSpec | None:
        """Give the spec of one of our modules, None for all others."""
        if fullname in self._code:
            return ModuleSpec(fullname, self, origin=f"<{fullname}>")  # type: ignore[arg-type]  # duck
        if fullname in ("herder", "herder.wire", "herder.agent"):
            return ModuleSpec(fullname, self, is_package=True)  # type: ignore[arg-type]  # duck
        return None

    def create_module(self, spec: object) -> None:
        """Leave making the module to the import system."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's code in its namespace."""
        if module.__name__ in self._code:
            exec(marshal.loads(self._code[module.__name__]), module.__dict__)

    def get_source(self, name: str) -> str | None:
        """Give the source, for tracebacks."""
        return unpack_sources(self._packed).get(name)


def unpack_sources(packed: bytes) -> dict[str, str]:
    """Give all sources by name; they stand behind the program that the first stage runs.

    That program is this file and the lines that `wire/bootstrap.py` adds.
    """
    stream = zlib.decompressobj()
    program = stream.decompress(packed).decode()
    sources: dict[str, str] = marshal.loads(zlib.decompress(stream.unused_data))
    sources["herder.agent.start"] = program[: program.rindex("\nmake_importable(")]
    return sources


def load_code(packed: bytes, digest: str) -> dict[str, bytes]:
    """Give every source's code object, marshalled: from the cache, else compiled and cached."""
    directory = private_directory()
    path = f"{directory}/agent-{MAGIC}-{digest}"
    kept = read_checked(path) if directory else None
    if kept is not None:
        loaded: dict[str, bytes] = marshal.loads(kept)
        return loaded
    # without docstrings and assertions: there is less to load next time
    code = {
        name: marshal.dumps(compile(text, f"<{name}>", "exec", dont_inherit=True, optimize=2))
        for name, text in unpack_sources(packed).items()
    }
    if directory:
        write_checked(path, marshal.dumps(code))
    return code


def make_importable(packed: bytes, digest: str) -> None:
    """Let this process import the agent's files; the program's last line makes it an agent."""
    # what is imported now stays for good; looking for garbage in it is wasted
    gc.disable()
    sys.meta_path.insert(0, AgentFinder(packed, load_code(packed, digest)))
