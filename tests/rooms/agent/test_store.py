"""What is kept on a host between runs: bounded, and nothing of anybody else's."""

from __future__ import annotations

import hashlib
import os
import zlib
from pathlib import Path

from herder.agent.store import Store
from herder.wire.messages import Settings


def _add(store: Store, text: str) -> None:
    source = text.encode()
    digest = hashlib.sha256(source).hexdigest()
    store.add(digest, zlib.compress(source))
    store.compile([(f"{text[:6]}.txt", digest)])


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def _age(folder: Path, seconds: int) -> None:
    for path in folder.iterdir():
        os.utime(path, (seconds, seconds))


def test_the_oldest_entries_go_when_there_is_too_much(tmp_path: Path) -> None:
    """A host that is deployed to for years must not fill its disk."""
    store = Store(str(tmp_path), Settings(cache_limit_bytes=100))
    _add(store, "first" * 3)
    old = _names(tmp_path)
    _age(tmp_path, 1_000)
    _add(store, os.urandom(60).hex())

    store.trim()

    assert len(_names(tmp_path)) == 1
    assert not old & _names(tmp_path)


def test_folders_of_a_controller_on_the_same_machine_stay(tmp_path: Path) -> None:
    """Who manages the own machine has both caches in one place; one must not stop the other."""
    (tmp_path / "modules").mkdir()
    (tmp_path / "notes").write_text("somebody's")
    store = Store(str(tmp_path), Settings(cache_limit_bytes=10))
    _add(store, "first" * 3)
    _age(tmp_path, 1_000)

    store.trim()

    assert _names(tmp_path) == {"modules", "notes"}


def test_content_that_is_not_what_its_digest_names_is_refused(tmp_path: Path) -> None:
    """It would be run, now and from the cache in every later run."""
    store = Store(str(tmp_path), Settings())
    digest = hashlib.sha256(b"print(1)").hexdigest()

    assert not store.add(digest, zlib.compress(b"print(2)"))
    assert store.missing([("moo.py", digest)]) == [digest]
