"""session/outgoing.py: what goes to many hosts is read once, and is what each would have read."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from herder.session import outgoing
from herder.session.outgoing import BLOCK_BYTES, Block, OutgoingFiles


async def _read(files: OutgoingFiles, path: Path) -> list[Block]:
    return [block async for block in files.blocks(str(path))]


@pytest.mark.parametrize("size", [0, 1, BLOCK_BYTES, 3 * BLOCK_BYTES + 1])
async def test_blocks_are_the_file(tmp_path: Path, size: int) -> None:
    """Every byte once, in order; what cannot be packed is sent as it is."""
    content = os.urandom(size)
    (tmp_path / "file").write_bytes(content)

    blocks = await _read(OutgoingFiles(), tmp_path / "file")

    assert b"".join(block.body for block in blocks) == content
    assert sum(block.size for block in blocks) == size


async def test_hosts_side_by_side_share_their_blocks(tmp_path: Path) -> None:
    """Ten hosts must not mean reading and packing ten times."""
    (tmp_path / "file").write_bytes(os.urandom(3 * BLOCK_BYTES))
    files = OutgoingFiles()

    first, second = await asyncio.gather(*(_read(files, tmp_path / "file") for _ in range(2)))

    assert len(first) == len(second) == 3
    assert all(one.body is other.body for one, other in zip(first, second, strict=True))


async def test_nothing_is_kept_when_nobody_reads(tmp_path: Path) -> None:
    """A file that is changed between two tasks is read again, and memory is given back."""
    files = OutgoingFiles()
    for content in (b"a" * BLOCK_BYTES, b"b" * BLOCK_BYTES):
        (tmp_path / "file").write_bytes(content)
        os.utime(tmp_path / "file", (1, 1))
        blocks = await _read(files, tmp_path / "file")
        (tmp_path / "twin").write_bytes(content)
        assert blocks == await _read(OutgoingFiles(), tmp_path / "twin")


async def test_one_who_is_far_behind_reads_for_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow host must not make the others' blocks stay in memory."""
    monkeypatch.setattr(outgoing, "KEPT_BLOCKS", 1)
    content = os.urandom(3 * BLOCK_BYTES)
    (tmp_path / "file").write_bytes(content)
    files = OutgoingFiles()
    slow = files.blocks(str(tmp_path / "file"))
    head = await anext(slow)

    await _read(files, tmp_path / "file")
    rest = [block async for block in slow]

    assert b"".join(block.body for block in (head, *rest)) == content
