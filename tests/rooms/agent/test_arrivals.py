"""agent/arrivals.py: a digest is given for the very file that came, and for no other."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from herder.agent.arrivals import Arrival, Arrivals
from tests.support.bundles import call_of, core_bundle
from tests.support.sessions import open_session

CONTENT = os.urandom(700_000)
SHA1 = hashlib.sha1(CONTENT).hexdigest()


def arrived(path: Path, sent: Mapping[str, str]) -> Arrivals:
    """Give what is known after a file has come."""
    file, arrivals = Arrival(str(path), 0o600), Arrivals()
    file.write(CONTENT[:1000])
    file.write(CONTENT[1000:])
    file.finish()
    arrivals.remember(str(path), file.digests(dict(sent)))
    return arrivals


def test_the_senders_digests_count_for_the_senders_content(tmp_path: Path) -> None:
    """MD5 is worked out once for a hundred hosts."""
    path = tmp_path / "file"
    arrivals = arrived(path, {"sha1": SHA1, "md5": "theirs"})

    assert [arrivals.digest(str(path), each) for each in ("sha1", "md5", "sha256")] == [
        SHA1,
        "theirs",
        None,
    ]


def test_other_content_than_the_senders_has_only_its_own_digest(tmp_path: Path) -> None:
    """The file may have been changed on the controller while it was sent."""
    path = tmp_path / "file"
    arrivals = arrived(path, {"sha1": "of another content", "md5": "theirs"})

    assert arrivals.digest(str(path), "sha1") == SHA1
    assert arrivals.digest(str(path), "md5") is None


@pytest.mark.parametrize("change", ["content", "mode", "copy"])
def test_a_file_that_was_touched_is_read_again(tmp_path: Path, change: str) -> None:
    """Nothing but the untouched file itself is provably what came."""
    path = tmp_path / "file"
    arrivals = arrived(path, {})
    assert arrivals.digest(str(path), "sha1") == SHA1
    if change == "content":
        os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    elif change == "mode":
        os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns - 10**9))
    else:
        (tmp_path / "other").write_bytes(path.read_bytes())
        (tmp_path / "other").rename(path)

    assert arrivals.digest(str(path), "sha1") is None


async def test_the_module_copy_gets_the_digests_and_says_what_it_always_says(
    tmp_path: Path,
) -> None:
    """From end to end; a digest that cannot be shows that it was not worked out again."""
    source, there = tmp_path / "source", str(tmp_path / "there")
    source.write_bytes(CONTENT)
    bundle = replace(core_bundle("copy"), is_core=True)

    async with open_session() as session:
        # an agent imports ahead what the first module needs
        (tmp_path / "first").write_text("moved by the module")
        await session.run_module(call_of(bundle, src=f"{tmp_path}/first", dest=f"{tmp_path}/warm"))
        digests = {"sha1": SHA1, "md5": "told"}
        await session.put_file(str(source), there, mode=0o600, digests=lambda: digests)
        done = await session.run_module(call_of(bundle, src=there, dest=f"{tmp_path}/new"))

    said = json.loads(done.stdout)
    assert (said["changed"], said["checksum"], said["md5sum"]) == (True, SHA1, "told")
    assert (tmp_path / "new").read_bytes() == CONTENT
