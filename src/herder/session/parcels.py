"""What is sent to many hosts: read and compressed once, shared by all sessions of a run."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

from herder.model.ports import ModuleBundle
from herder.session.outgoing import OutgoingFiles
from herder.wire.frames import Head, Kind, encode


class Parcels:
    """Keeps each bundle file's compressed content by digest, and what other files are under way."""

    def __init__(self) -> None:
        self.files = OutgoingFiles()
        self._packed: dict[str, bytes] = {}
        self._manifests: dict[str, list[list[str]]] = {}

    def manifest(self, bundle: ModuleBundle) -> list[list[str]]:
        """Give [[path, digest], ...] of a bundle."""
        manifest = self._manifests.get(bundle.digest)
        if manifest is None:
            manifest = [[file.path, file.digest] for file in bundle.files]
            self._manifests[bundle.digest] = manifest
        return manifest

    def supply(
        self, number: int, bundle: ModuleBundle, digests: Iterable[str], *, has_manifest: bool
    ) -> bytes:
        """Give the SUPPLY frame that carries these files, and perhaps the bundle's manifest."""
        wanted = set(digests)
        parts = {
            file.digest: self._pack(file.digest, file.content)
            for file in bundle.files
            if file.digest in wanted
        }
        head: Head = {"parts": [[digest, len(packed)] for digest, packed in parts.items()]}
        if has_manifest:
            head["manifest"] = self.manifest(bundle)
        return encode(Kind.SUPPLY, number, head, b"".join(parts.values()))

    def _pack(self, digest: str, content: bytes) -> bytes:
        packed = self._packed.get(digest)
        if packed is None:
            packed = self._packed[digest] = zlib.compress(content, 6)
        return packed
