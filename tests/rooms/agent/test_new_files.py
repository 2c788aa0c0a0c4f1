"""agent/new_files.py: new files are what the module would make, and nothing else is made."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import stat
import struct
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from herder.agent import new_files, system_log
from herder.agent.new_files import REST, NewFiles, has_plain_shape
from herder.agent.system_log import SystemLog
from herder.model.ports import WantedFile
from herder.wire.messages import RunModule
from tests.rooms.agent.test_answers import INTERNALS, WITH_INVOCATION, module_says
from tests.support.bundles import call_of, core_bundle
from tests.support.sessions import open_session

CALL = RunModule("copy", "ansible.modules.copy", "digest", is_core=True)
DIGEST = hashlib.sha1(b"moo").hexdigest()


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """Give a directory whose first file the module has made, and things that are in the way."""
    __import__("ansible.module_utils.basic")
    place = tmp_path / "top"
    place.mkdir()
    (tmp_path / "elsewhere").mkdir()
    (place / "first").write_text("moo")
    (place / "first").chmod(0o640)
    (place / "there").write_text("old")
    (place / "link").symlink_to(tmp_path / "elsewhere")
    (place / "dangling").symlink_to(tmp_path / "nothing")
    return place


def wishes(top: Path, **more: Any) -> dict[str, Any]:
    """Give what the module was asked for the first file."""
    asked: dict[str, Any] = {"src": "/tmp/x/.source.py", "dest": f"{top}/"}
    asked |= {"_original_basename": "first", "mode": "0640", "follow": False, "checksum": DIGEST}
    return {**asked, **INTERNALS, "_ansible_module_name": "ansible.legacy.copy", **more}


def place(asked: dict[str, Any], *names: str, mode: str | None = None) -> int:
    """Have files made, each with the content 'moo'."""
    files = [[name, 3, DIGEST, mode] for name in names]
    with SystemLog(asked) as log:
        return NewFiles(asked, log).place(files, memoryview(b"moo" * len(files)))


def names(folder: Path) -> list[str]:
    """Give what is in a directory."""
    return sorted(each.name for each in folder.iterdir())


def test_new_files_have_content_mode_and_directories(top: Path) -> None:
    """Whole files under their own names, and nothing beside them."""
    assert place(wishes(top, directory_mode="0751"), "a/b/new", "other") == 2

    made = top / "a" / "b" / "new"
    assert (made.read_text(), stat.S_IMODE(made.stat().st_mode)) == ("moo", 0o640)
    assert [stat.S_IMODE(each.stat().st_mode) for each in (top / "a", top / "a" / "b")] == [
        0o751,
        0o751,
    ]
    assert names(top / "a" / "b") == ["new"]


def test_a_file_may_have_a_mode_of_its_own(top: Path) -> None:
    """With `mode: preserve` each file gets the mode that it has on the controller."""
    assert place(wishes(top), "new", mode="04755") == 1

    assert stat.S_IMODE((top / "new").stat().st_mode) == 0o4755


@pytest.mark.parametrize("name", ["there", "link/new", "dangling", "there/new", "a@b", "é"])
def test_what_is_not_plainly_new_is_left_alone(top: Path, name: str) -> None:
    """The module is asked for it, and for what comes after it, so that the order stays."""
    before = names(top)

    assert place(wishes(top), "new", name, "after") == 1

    assert names(top) == sorted([*before, "new"])
    assert (top / "there").read_text() == "old"
    assert names(top.parent / "elsewhere") == []


@pytest.mark.parametrize(
    "more",
    [
        {"mode": "0600"},
        {"mode": "u=rw"},
        {"mode": None},
        {"owner": "nobody"},
        {"group": "no such group"},
        {"_original_basename": "missing"},
    ],
    ids=lambda more: str(more),
)
def test_nothing_is_made_when_the_first_file_is_not_as_it_would_be_here(
    top: Path, more: dict[str, Any]
) -> None:
    """The module vouches: a file system that does it in another way is left to it."""
    (top / "first").chmod(0o641)
    assert place(wishes(top), "new") == 0
    (top / "first").chmod(0o640)
    assert place(wishes(top, **more), "new") == 0

    assert not (top / "new").exists()


def test_nothing_is_made_when_the_first_file_has_another_name(top: Path) -> None:
    """Whatever made that, the module did not just make a new file."""
    (top / "second").hardlink_to(top / "first")

    assert place(wishes(top), "new") == 0


def test_nothing_is_made_where_a_directory_hands_on_an_access_list(top: Path) -> None:
    """Its new files get more rights than their mode says."""
    entries = [(1, 7), (4, 5), (32, 5)]
    packed = [struct.pack("<HHI", kind, bits, 0xFFFFFFFF) for kind, bits in entries]
    try:
        os.setxattr(top, "system.posix_acl_default", b"".join([struct.pack("<I", 2), *packed]))
    except OSError:
        pytest.skip("needs a file system with access lists")

    assert place(wishes(top), "new") == 0


@pytest.mark.parametrize(
    "more",
    [
        {"validate": "true %s"},
        {"attributes": "+i"},
        {"setype": "etc_t"},
        {"unsafe_writes": True},
        {"remote_src": True},
        {"follow": True},
        {"force": "yes"},
        {"dest": "/tmp/no-slash"},
        {"_ansible_check_mode": True},
        {"_ansible_diff": True},
        {"_ansible_debug": True},
    ],
    ids=lambda more: str(more),
)
def test_call_that_asks_for_more_is_the_modules(top: Path, more: dict[str, Any]) -> None:
    """What is not known here is not guessed."""
    assert has_plain_shape(CALL, wishes(top))
    assert not has_plain_shape(CALL, wishes(top, **more))
    assert not has_plain_shape(CALL._replace(is_core=False), wishes(top))


def test_modules_that_tell_the_journal_are_not_stood_in_for(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The agent knows only the system's log."""
    monkeypatch.setattr(sys.modules["ansible.module_utils.basic"], "has_journal", True)
    assert not has_plain_shape(CALL, wishes(top))


def test_a_slow_disk_does_not_keep_the_agent_for_long(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An agent that does not answer for a minute is taken for dead."""
    monkeypatch.setattr(new_files, "PATIENCE_SECONDS", -1.0)
    assert place(wishes(top), "new") == 0


def test_systems_log_is_told_as_by_the_module(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """People who audit their servers read there what was done."""
    monkeypatch.setattr(system_log, "_SOCKET", str(top / "log"))
    source = top.parent / ".source.py"
    source.write_text("moo")
    asked = wishes(top, src=str(source))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(system_log._SOCKET)
        log.settimeout(5)
        assert place({**asked, "_ansible_no_log": False}, "x/new.py") == 1
        line = log.recv(4096).decode()
    (top / "x" / "new.py").unlink()

    said = module_says({**asked, "_original_basename": "x/new.py", **WITH_INVOCATION}, "copy")
    told = json.loads(said)["invocation"]["module_args"]
    words = " ".join(
        f"{name}={REST['content'] if name == 'content' else value}" for name, value in told.items()
    )
    assert line.endswith(f" ansible-ansible.legacy.copy: Invoked with {words}")


async def test_files_travel_together_and_are_as_the_modules(tmp_path: Path) -> None:
    """The point of it, from end to end: two made by the agent beside one of the module."""
    top = tmp_path / "top"
    top.mkdir()
    source = tmp_path / ".source.py"
    source.write_text("moo")
    bundle = replace(core_bundle("copy"), is_core=True)
    call = call_of(bundle, **wishes(top, src=str(source)))
    wanted = [WantedFile(name, 3, DIGEST) for name in ("a/second", "third", "first")]

    async with open_session() as session:
        said = await session.run_module(call)
        made = await session.place_files(call, wanted, [b"moo", b"mew", b"mow"])

    assert (json.loads(said.stdout)["changed"], made) == (True, 2)
    assert (top / "first").read_text() == (top / "a" / "second").read_text() == "moo"
    assert (top / "third").read_text() == "mew"
