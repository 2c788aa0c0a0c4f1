"""What the controller has sent: sources and their code objects, in memory and in a private cache.

*Shapes*: a file is named by its path inside the bundle and the sha256 of its content; the code
object depends on both, because it knows the name of its file. A cache entry is the length of the
compressed source (4 bytes), the compressed source, the marshalled code (empty: does not compile).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import marshal
import os
import struct
import zlib
from types import CodeType
from typing import Dict, Iterable, List, Optional, Tuple

from herder.agent.start import PARTS, read_checked, write_checked
from herder.wire.messages import Settings

ROOT = "/dev/null/ansible_payload.zip"
"""Where bundles seem to lie: nobody can ever put a file below it."""

_LENGTH = struct.Struct("!I")
_OURS = ("agent-", "ahead-", "bundle-", "part-", "vouched-")

Part = Tuple[str, str]
"""A path inside a bundle and the digest of the content it has there."""


class Store:
    """Keeps parts by path and digest; without a directory only in memory."""

    def __init__(self, directory: Optional[str], settings: Settings) -> None:
        self._directory = directory
        self._packed: Dict[str, bytes] = {}
        self._code: Dict[Part, Optional[CodeType]] = {}
        self._is_changed = False
        self.settle(settings)

    def missing(self, parts: Iterable[Part]) -> List[str]:
        """Give the digests that neither memory nor cache has; loads what the cache has."""
        absent = {part[1]: None for part in parts if not self._has(part)}
        return list(absent)

    def add(self, digest: str, packed: bytes) -> bool:
        """Take a compressed source; False when it is not what the digest names."""
        if hashlib.sha256(zlib.decompress(packed)).hexdigest() != digest:
            return False
        self._packed[digest] = packed
        return True

    def add_all(self, parts: List[List[object]], body: bytes) -> None:
        """Take many, as [[digest, size], ...] and their compressed contents one after another."""
        start = 0
        for digest, size in parts:
            end = start + int(str(size))
            self.add(str(digest), body[start:end])
            start = end

    def settle(self, settings: Settings) -> None:
        """Take the controller's word on whether and how much may be kept on disk."""
        self._limit_bytes = settings.cache_limit_bytes
        if not settings.cache:
            self._directory = None

    def compile(self, parts: Iterable[Part]) -> None:
        """Make the code objects of these parts and keep them; assumes that none is missing."""
        for part in parts:
            if part not in self._code:
                code = self._compiled(part)
                self._code[part] = code
                self._keep(part, code)

    def source(self, digest: str) -> bytes:
        """Give a content; assumes that it is here."""
        return zlib.decompress(self._packed[digest])

    def code(self, part: Part) -> CodeType:
        """Give a part's code object.

        *Raises*: SyntaxError when this Python cannot read the source.
        """
        code = self._code.get(part)
        if code is None:
            code = compile(self.source(part[1]), f"{ROOT}/{part[0]}", "exec", dont_inherit=True)
        return code

    def manifest(self, bundle: str) -> Optional[Tuple[Part, ...]]:
        """Give what a bundle consists of, if the cache knows it."""
        kept = read_checked(self._manifest_path(bundle)) if self._directory else None
        if kept is None:
            return None
        return tuple((str(path), str(digest)) for path, digest in json.loads(kept))

    def keep_manifest(self, bundle: str, parts: Tuple[Part, ...]) -> None:
        """Keep what a bundle consists of; assumes that its parts are kept."""
        if self._directory and self.manifest(bundle) is None:
            write_checked(self._manifest_path(bundle), json.dumps(parts).encode())

    def trim(self) -> None:
        """Remove the oldest entries while the cache is over its bound, if anything was added."""
        if self._directory and self._is_changed:
            with contextlib.suppress(OSError):
                _trim(self._directory, self._limit_bytes)

    def _has(self, part: Part) -> bool:
        return part in self._code or part[1] in self._packed or self._load(part)

    def _load(self, part: Part) -> bool:
        kept = read_checked(self._path(part)) if self._directory else None
        if kept is None:
            return False
        (size,) = _LENGTH.unpack_from(kept)
        code = kept[_LENGTH.size + size :]
        self._packed[part[1]] = kept[_LENGTH.size : _LENGTH.size + size]
        self._code[part] = marshal.loads(code) if code else None
        return True

    def _keep(self, part: Part, code: Optional[CodeType]) -> None:
        if self._directory is None:
            return
        packed = self._packed[part[1]]
        content = _LENGTH.pack(len(packed)) + packed + (marshal.dumps(code) if code else b"")
        self._is_changed = True
        if not write_checked(self._path(part), content):
            self._directory = None

    def _compiled(self, part: Part) -> Optional[CodeType]:
        if not part[0].endswith(".py"):
            return None
        with contextlib.suppress(SyntaxError, ValueError):
            source = self.source(part[1])
            return compile(source, f"{ROOT}/{part[0]}", "exec", dont_inherit=True)
        return None

    def _manifest_path(self, bundle: str) -> str:
        return f"{self._directory}/bundle-{bundle[:40]}"

    def _path(self, part: Part) -> str:
        name = hashlib.sha256("\0".join(part).encode()).hexdigest()
        return f"{self._directory}/{PARTS}{name[:40]}"


def _trim(directory: str, limit_bytes: int) -> None:
    # a controller that is its own host keeps folders of its own here
    with os.scandir(directory) as found:
        ours = [each for each in found if each.name.startswith(_OURS) and each.is_file()]
    entries = [(each.stat().st_mtime, each.stat().st_size, each.path) for each in ours]
    total = sum(size for _, size, _ in entries)
    for _, size, path in sorted(entries):
        if total <= limit_bytes:
            return
        os.unlink(path)
        total -= size
