"""agent/simple.py: questions about files, asked of a real agent."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from herder.model.ports import FileStatus
from tests.support.bundles import call_of, core_bundle
from tests.support.sessions import open_session


async def test_status_and_what_comes_next_are_answered_together(tmp_path: Path) -> None:
    """Only of a file with the wished content, and only what the module has vouched for."""
    path = tmp_path / "one"
    path.write_text("moo")
    path.chmod(0o644)
    digest = hashlib.sha1(b"moo").hexdigest()
    bundle = replace(core_bundle("file"), is_core=True)
    call = call_of(bundle, path=str(path), state="file", mode="0644", _ansible_no_log=True)

    async with open_session() as session:
        status, unknown = await session.stat_ahead(str(path), digest, call)
        said = await session.run_module(call)
        known = await session.stat_ahead(str(path), digest, call)
        other = await session.stat_ahead(str(path), "0" * 40, call)
        path.chmod(0o600)
        _, changed = await session.stat_ahead(str(path), digest, call)
        path.unlink()
        nothing = await session.stat_ahead(str(path), digest, call)

    assert unknown is None
    assert status is not None
    assert (status.checksum, status.mode & 0o777) == (digest, 0o644)
    assert known == (status, said)
    assert other == (status, None)
    assert changed is None
    assert nothing == (FileStatus(exists=False), None)


async def test_a_file_that_takes_long_to_read_is_not_looked_at_ahead(tmp_path: Path) -> None:
    """The agent answers all questions in turn: a large file is read by a child."""
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(32 * 1024 * 1024)

    async with open_session() as session:
        call = call_of(core_bundle("file"), path=str(path), state="file")
        assert await session.stat_ahead(str(path), "0" * 40, call) == (None, None)
