"""agent/vouched.py: what is kept from run to run, for how long, and that it says nothing secret."""

from __future__ import annotations

import asyncio
import json
import marshal
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from herder.agent import surroundings
from herder.agent.start import read_checked
from herder.agent.vouched import Vouched
from tests.support.bundles import call_of, core_bundle
from tests.support.sessions import home_at, open_session

WORDS: dict[str, Any] = {"changed": False}


@pytest.fixture(autouse=True)
def _basic() -> None:
    """The module's own library is imported, as in an agent that has run one."""
    __import__("ansible.module_utils.basic")


def kept(folder: Path, release: str = "release") -> Vouched:
    """Give what was kept, with one shape more."""
    vouched = Vouched(str(folder), release)
    vouched.add("shape", WORDS)
    vouched.keep()
    return Vouched(str(folder), release)


def test_shape_is_known_in_the_next_run(tmp_path: Path) -> None:
    """A warm host needs no child for what it has answered before."""
    vouched = kept(tmp_path)

    assert vouched.find("shape") == WORDS
    assert vouched.find("other shape") is None


def test_another_agent_asks_the_module_again(tmp_path: Path) -> None:
    """It may know other rules."""
    kept(tmp_path)

    assert Vouched(str(tmp_path), "newer release").find("shape") is None


def test_after_a_boot_the_module_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SELinux may be there now, and a module would say more."""
    kept(tmp_path)
    (tmp_path / "boot").write_text("another")
    monkeypatch.setattr(surroundings, "_BOOT", str(tmp_path / "boot"))

    assert Vouched(str(tmp_path), "release").find("shape") is None


def test_after_a_package_is_installed_the_module_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With python3-systemd modules tell the journal and not the log; it may come during a run."""
    folder = tmp_path / "packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    (tmp_path / "cache").mkdir()
    vouched = kept(tmp_path / "cache")
    assert vouched.find("shape") == WORDS

    (folder / "systemd").mkdir()
    os.utime(folder, (1, 1))

    assert vouched.find("shape") is None
    assert Vouched(str(tmp_path / "cache"), "release").find("shape") is None


def test_module_that_tells_the_journal_does_not_vouch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The agent knows only the system's log."""
    monkeypatch.setattr(sys.modules["ansible.module_utils.basic"], "has_journal", True)

    assert kept(tmp_path).find("shape") is None


def test_file_that_is_not_whole_is_as_none(tmp_path: Path) -> None:
    """A host may lose its power at any time."""
    kept(tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-3] + b"xxx")

    assert Vouched(str(tmp_path), "release").find("shape") is None


def test_shapes_that_are_used_stay_and_there_is_a_bound(tmp_path: Path) -> None:
    """A host that is played on for years must not read a long list at each start."""
    kept(tmp_path)
    for start in range(0, 600, 150):
        vouched = Vouched(str(tmp_path), "release")
        assert vouched.find("shape") == WORDS
        for number in range(start, start + 150):
            vouched.add(f"shape {number}", WORDS)
        vouched.keep()

    (file,) = tmp_path.iterdir()
    assert len(marshal.loads(read_checked(str(file)) or b"")[2]) == 200


async def test_nothing_of_a_calls_arguments_is_kept(tmp_path: Path) -> None:
    """They may be secret: a line with a password, a token in a command."""
    secret = f"s3cr3t{os.getpid()}"
    place = tmp_path / secret
    place.mkdir()
    (place / "lines").write_text(f"token={secret}\n")
    calls = [
        ("command", {"_raw_params": f"echo {secret}", "chdir": str(place)}),
        ("file", {"path": str(place), "state": "directory", "mode": "0755"}),
        (
            "lineinfile",
            {"path": str(place / "lines"), "line": f"token={secret}", "insertafter": secret},
        ),
    ]

    with home_at(tmp_path / "home"):
        (tmp_path / "home").mkdir()
        async with open_session() as session:
            for name, wish in calls:
                bundle = replace(core_bundle(name), is_core=True)
                await session.run_module(call_of(bundle, **wish, _ansible_module_name=name))

    (file,) = (tmp_path / "home" / ".cache" / "herder").glob("vouched-*")
    content = read_checked(str(file)) or b""
    assert len(marshal.loads(content)[2]) == 3
    assert secret.encode() not in content


async def test_next_run_forks_no_child_and_imports_nothing_for_one(tmp_path: Path) -> None:
    """The point of it, from end to end: what was imported is seen in the memory that is used."""
    bundle = replace(core_bundle("file"), is_core=True)
    call = call_of(bundle, path=str(tmp_path), state="directory")
    said, sizes = [], []

    with home_at(tmp_path):
        for _ in range(2):
            async with open_session() as session:
                said.append((await session.run_module(call)).stdout)
                agent = session.facts.process_id
                sizes.append(_private_bytes(agent))

    assert len({json.dumps(json.loads(each)) for each in said}) == 1
    assert sizes[1] < 0.7 * sizes[0]


async def test_next_run_imports_ahead_for_a_module_that_has_to_run_again(tmp_path: Path) -> None:
    """While nobody waits for it: before the first call comes, not with it."""
    call, sizes = call_of(core_bundle("stat"), path="/"), []

    with home_at(tmp_path):
        for _ in range(2):
            async with open_session() as session:
                await asyncio.sleep(1)
                sizes.append(_private_bytes(session.facts.process_id))
                await session.run_module(call)

    assert sizes[1] > 1.3 * sizes[0]


async def test_host_that_lost_its_modules_but_not_this_gets_them_again(tmp_path: Path) -> None:
    """The controller sends all of them with the first call: no call may be answered before it."""
    file = call_of(replace(core_bundle("file"), is_core=True), path="/", state="directory")

    with home_at(tmp_path):
        async with open_session() as session:
            first = await session.run_module(file)
        for part in (tmp_path / ".cache" / "herder").glob("part-*"):
            part.unlink()
        async with open_session() as session:
            assert (await session.run_module(file)).stdout == first.stdout
            stat = await session.run_module(call_of(core_bundle("stat"), path="/"))

    assert json.loads(stat.stdout)["stat"]["exists"]


async def test_cache_of_an_older_release_is_replaced(tmp_path: Path) -> None:
    """What cannot be read must not be asked for in every run from then on."""
    call = call_of(core_bundle("stat"), path="/")
    cache = tmp_path / ".cache" / "herder"

    with home_at(tmp_path):
        async with open_session() as session:
            await session.run_module(call)
        for each in cache.iterdir():
            each.write_bytes(b"older" + each.read_bytes())
        async with open_session() as session:
            await session.run_module(call)

    assert all(read_checked(str(each)) is not None for each in cache.iterdir())


def _private_bytes(process: int) -> int:
    """Give what a process has written to. *Source*: proc(5), RssAnon."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("RssAnon:")[2].split()[0])
