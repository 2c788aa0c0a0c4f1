"""agent/files.py: files arrive whole or not at all, directories are private."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import stat
from pathlib import Path

import pytest

from herder.errors import OperationFailed
from herder.model.ports import FileStatus
from herder.model.route import CommandWay
from herder.session.transfer import fetch
from herder.wire.frames import Kind
from tests.support.fake_stream import FakeStream, greeted_connection, say
from tests.support.sessions import open_session

SMALL_DISK = (
    "unshare",
    "--mount",
    "--propagation",
    "private",
    "/bin/sh",
    "-c",
    'mount -t tmpfs -o size=1m none "$0" && exec /bin/sh -c "$1"',
)


@pytest.mark.parametrize("size", [0, 1, 262_144, 262_145, 9_000_001])
async def test_file_comes_and_goes_unchanged(tmp_path: Path, size: int) -> None:
    """Below and above what fits one frame and one window."""
    content = os.urandom(size)
    source, back = tmp_path / "source", tmp_path / "back"
    source.write_bytes(content)

    async with open_session() as session:
        await session.put_file(str(source), str(tmp_path / "there"), mode=0o640)
        await session.fetch_file(str(tmp_path / "there"), str(back))
        await session.put_bytes(content, str(tmp_path / "bytes"))

    assert back.read_bytes() == (tmp_path / "bytes").read_bytes() == content
    assert stat.S_IMODE((tmp_path / "there").stat().st_mode) == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["back", "bytes", "source", "there"]


async def test_old_file_keeps_its_mode_and_links_are_followed(tmp_path: Path) -> None:
    """Replacing a file by rename must look like writing into it."""
    old, link = tmp_path / "old", tmp_path / "link"
    old.write_text("old")
    old.chmod(0o604)
    link.symlink_to(old)

    async with open_session() as session:
        await session.put_bytes(b"new", str(link))

    assert (old.read_text(), stat.S_IMODE(old.stat().st_mode)) == ("new", 0o604)
    assert link.is_symlink()


@pytest.mark.parametrize(("new_mode", "mode"), [(0o666, 0o644), (0o777, 0o755)])
async def test_new_file_gets_what_the_umask_leaves(
    tmp_path: Path, new_mode: int, mode: int
) -> None:
    """A file that a plugin puts at its own place is as a copying program makes it."""
    source = tmp_path / "source"
    source.write_text("new")

    async with open_session() as session:
        await session.put_file(str(source), str(tmp_path / "file"), new_mode=new_mode)
        await session.put_bytes(b"new", str(tmp_path / "bytes"), new_mode=new_mode)

    found = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("file", "bytes")}
    assert found == {mode}


@pytest.mark.parametrize(
    ("there", "word", "here"),
    [(0o600, "kept", 0o600), (0o4755, "kept", 0o755), (0o444, "kept", 0o644), (0o600, "", 0o666)],
)
async def test_new_fetched_file_has_the_mode_that_the_way_to_it_tells(
    tmp_path: Path, there: int, word: str, here: int
) -> None:
    """What a web server is to serve from the controller must not be closed to it."""
    (tmp_path / "there").write_text("content")
    (tmp_path / "there").chmod(there)

    async with open_session() as session:
        await session.fetch_file(f"{tmp_path}/there", f"{tmp_path}/here", keeps_mode=bool(word))

    assert stat.S_IMODE((tmp_path / "here").stat().st_mode) == here & ~_umask()


async def test_fetched_file_is_nobody_elses_until_it_is_whole(tmp_path: Path) -> None:
    """It may be a key: which mode it gets is known in the end only."""
    connection, stream = greeted_connection()
    coming = asyncio.ensure_future(fetch(connection, "/etc/key", str(tmp_path / "key")))
    await _until_sent(stream, Kind.CALL)
    say(connection, Kind.OUTPUT, 1, {}, b"secret")
    await _until_sent(stream, Kind.CREDIT)

    (half,) = tmp_path.iterdir()
    seen = half.name, stat.S_IMODE(half.stat().st_mode)
    say(connection, Kind.REPLY, 1, {"mode": 0o600})
    await coming

    assert seen[0] != "key"
    assert seen[1] == 0o600
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("key", b"secret")]


async def _until_sent(stream: FakeStream, kind: Kind) -> None:
    for _ in range(1000):
        if stream.frames and stream.frames[-1].kind is kind:
            return
        await asyncio.sleep(0.005)
    raise TimeoutError(kind)


async def test_fetched_file_is_written_into_what_is_there(tmp_path: Path) -> None:
    """Links stay, and so does the mode of a file that was here before."""
    (tmp_path / "there").write_text("new")
    old, link = tmp_path / "old", tmp_path / "link"
    old.write_text("old")
    old.chmod(0o604)
    link.symlink_to(old)

    async with open_session() as session:
        await session.fetch_file(f"{tmp_path}/there", str(link), keeps_mode=True)

    assert (old.read_text(), stat.S_IMODE(old.stat().st_mode)) == ("new", 0o604)
    assert link.is_symlink()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root writes for others")
async def test_file_that_is_sent_over_another_keeps_its_owner(tmp_path: Path) -> None:
    """As with sftp, which writes into what is there; a service would lose its own file."""
    place = tmp_path / "there"
    place.write_text("old")
    os.chown(place, 1234, 1235)

    async with open_session() as session:
        await session.put_bytes(b"new", str(place))

    assert place.read_text() == "new"
    assert (place.stat().st_uid, place.stat().st_gid) == (1234, 1235)


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="needs mounts")
async def test_full_disk_is_an_error_and_leaves_no_half_file(tmp_path: Path) -> None:
    """A half file in place of a whole one is the worst outcome of a deployment."""
    disk = tmp_path / "disk"
    disk.mkdir()

    async with open_session(way=CommandWay((*SMALL_DISK, str(disk)))) as session:
        await session.put_bytes(b"before", f"{disk}/file")
        with pytest.raises(OperationFailed, match="No space left on device") as caught:
            await session.put_bytes(b"x" * 3_000_000, f"{disk}/file")
        after = await session.stat(f"{disk}/file", follow=True, checksum=False)
        await session.fetch_file(f"{disk}/file", str(tmp_path / "kept"))

    assert (caught.value.errno, after.size) == (28, 6)
    assert (tmp_path / "kept").read_bytes() == b"before"


async def test_status_says_what_the_stat_module_says(tmp_path: Path) -> None:
    """The copy action decides by checksum, mode and kind."""
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to("file")

    async with open_session() as session:
        file = await session.stat(str(tmp_path / "file"), follow=False, checksum=True)
        link = await session.stat(str(tmp_path / "link"), follow=False, checksum=True)
        nothing = await session.stat(str(tmp_path / "no" / "file"), follow=True, checksum=True)

    assert (file.size, file.checksum) == (7, "040f06fd774092478d450774f5ba30c5da78acc8")
    assert (link.is_link, link.link_target, link.checksum) == (True, "file", "")
    assert nothing == FileStatus(exists=False)


async def test_temporary_directory_is_private_and_removed(tmp_path: Path) -> None:
    """What actions put there may be secret."""
    async with open_session() as session:
        made = await session.make_temporary_directory(f"{tmp_path}/a/b")
        modes = [stat.S_IMODE(Path(path).stat().st_mode) for path in (made, f"{tmp_path}/a/b")]
        (Path(made) / "file").write_text("secret")
        await session.remove(made)
        await session.remove(made)

    assert modes == [0o700, 0o700]
    assert Path(made).name.startswith("ansible-tmp-")
    assert not Path(made).exists()


async def test_large_checksum_does_not_hold_up_other_calls(tmp_path: Path) -> None:
    """The agent has one thread; what takes long goes into a child."""
    with (tmp_path / "large").open("wb") as file:
        file.truncate(40_000_000)

    async with open_session() as session:
        status = await session.stat(str(tmp_path / "large"), follow=True, checksum=True)

    assert status.checksum == hashlib.sha1(bytes(40_000_000)).hexdigest()


async def test_missing_folder_is_named_in_the_error(tmp_path: Path) -> None:
    """A path in the message saves a search."""
    async with open_session() as session:
        with pytest.raises(OperationFailed, match="No such file or directory"):
            await session.put_bytes(b"x", f"{tmp_path}/no/file")
        with pytest.raises(OperationFailed, match=r"No such file or directory.*/no'"):
            await session.fetch_file(f"{tmp_path}/no", f"{tmp_path}/x")

    assert not list(tmp_path.iterdir())


async def test_home_is_resolved_on_the_host(shared_home: Path) -> None:
    """~ means the home of the user over there."""
    async with open_session() as session:
        assert await session.expand_user("~/x") == f"{shared_home}/x"
