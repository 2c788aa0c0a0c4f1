"""agent/file_checks.py: one question about many files has the answers of many questions."""

from __future__ import annotations

import contextlib
import grp
import hashlib
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from herder.agent import file_checks, files, system_log
from herder.agent.answers import Answers
from herder.agent.children import Outcome
from herder.agent.file_checks import FileChecks
from herder.agent.system_log import SystemLog
from tests.rooms.agent.test_answers import (
    AS_COPY_ASKS,
    CALL,
    INTERNALS,
    module_says,
    params,
    taught,
)

WISHES: dict[str, Any] = {**AS_COPY_ASKS, **INTERNALS}


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """Give a directory with files, some of which are not what they seem."""
    __import__("ansible.module_utils.basic")
    (tmp_path / "a").mkdir()
    for name in ("first", "a/second", "a/other mode", "a/hard", "a/longer"):
        (tmp_path / name).write_text("moo")
        (tmp_path / name).chmod(0o644)
    (tmp_path / "a" / "other mode").chmod(0o600)
    (tmp_path / "a" / "longer").write_text("moo moo")
    os.link(tmp_path / "a" / "hard", tmp_path / "a" / "hard too")
    (tmp_path / "a" / "link").symlink_to("second")
    (tmp_path / "b").symlink_to("a")
    return tmp_path


def checks(top: Path) -> FileChecks:
    """Give what has been told of the first file by the module."""
    wishes = {**WISHES, "dest": f"{top}/"}
    answers = taught({**wishes, "_original_basename": "first"})
    return FileChecks(wishes, answers.told(CALL, wishes), SystemLog(wishes))


def is_well(asked: FileChecks, name: str, content: bytes = b"moo", mode: str | None = None) -> bool:
    """Ask for one file that is to have this content."""
    [found] = asked.find_well([[name, len(content), hashlib.sha1(content).hexdigest(), mode]])
    return found


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("first", True),
        ("a/second", True),
        ("a/other mode", False),
        ("a/hard", False),
        ("a/longer", False),
        ("a/link", False),
        ("b/second", False),
        ("a", False),
        ("nowhere", False),
        ("first/nothing", False),
    ],
)
def test_only_what_is_plainly_as_it_should_be_is_well(
    top: Path, name: str, *, answer: bool
) -> None:
    """A link, a second name, a name through a link: all of these go the module's own way."""
    assert is_well(checks(top), name) is answer


def test_other_content_of_the_same_length_is_not_well(top: Path) -> None:
    """The size is only looked at first because that is cheap."""
    assert not is_well(checks(top), "first", b"mew")


def test_a_file_larger_than_one_reading_is_read_to_its_end(top: Path) -> None:
    """What differs in the last byte only is another file."""
    content = bytes(files._BLOCK_BYTES + 1)
    (top / "large").write_bytes(content)
    (top / "large").chmod(0o644)
    assert is_well(checks(top), "large", content)
    assert not is_well(checks(top), "large", content[:-1] + b"1")


def test_a_file_may_have_a_mode_of_its_own(top: Path) -> None:
    """With `mode: preserve` each file is to have the mode that it has here."""
    assert is_well(checks(top), "a/other mode", mode="0600")
    assert not is_well(checks(top), "a/second", mode="0600")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file another group")
def test_files_of_another_group_than_is_wished_are_not_well(top: Path) -> None:
    """Who a name is, is asked once for all files of the same owner and group."""
    os.chown(top / "a" / "second", -1, grp.getgrnam("daemon").gr_gid)
    wishes = {**WISHES, "dest": f"{top}/", "group": grp.getgrgid(os.getegid()).gr_name}
    told = taught({**wishes, "_original_basename": "first"}).told(CALL, wishes)
    asked = FileChecks(wishes, told, SystemLog(wishes))
    (top / "third").write_text("moo")
    (top / "third").chmod(0o644)
    assert [is_well(asked, name) for name in ("first", "a/second", "third")] == [True, False, True]


def test_a_slow_disk_does_not_keep_the_agent_for_long(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An agent that does not answer for a minute is taken for dead; unknown is an answer."""
    monkeypatch.setattr(file_checks, "PATIENCE_SECONDS", -1.0)
    assert not is_well(checks(top), "first")


def test_nothing_is_well_before_the_module_has_said_so(top: Path) -> None:
    """The module vouches: what it has not been asked for yet is not known here."""
    wishes = {**WISHES, "dest": str(top)}
    asked = FileChecks(wishes, taught().told(CALL, wishes), SystemLog(wishes))
    assert not is_well(asked, "first")


@pytest.fixture
def log(top: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Give the end at which the system's log listens."""
    monkeypatch.setattr(system_log, "_SOCKET", str(top / "log"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(system_log._SOCKET)
        log.settimeout(5)
        yield log


@contextlib.contextmanager
def loud_checks(top: Path) -> Iterator[tuple[FileChecks, Answers, dict[str, Any]]]:
    """Give what has been told by the module of the first file, and is to tell the log."""
    wishes = {**WISHES, "dest": f"{top}/", "_original_basename": "first"}
    answers, loud = taught(wishes), {**wishes, "_ansible_no_log": False}
    answers.learn(CALL, params(loud), Outcome(0, module_says(wishes), b""))
    with SystemLog(loud) as log:
        yield FileChecks(loud, answers.told(CALL, loud), log), answers, loud


def test_systems_log_is_told_of_a_file_as_by_the_module(top: Path, log: socket.socket) -> None:
    """People who audit their servers read there what was asked."""
    with loud_checks(top) as (asked, answers, loud):
        assert is_well(asked, "a/second")
    line = log.recv(4096).decode()

    assert answers.give(CALL, params({**loud, "_original_basename": "a/second"})) is not None
    assert line.partition(": ")[2] == log.recv(4096).decode().partition(": ")[2]


def test_systems_log_hears_of_many_files_in_one_line(top: Path, log: socket.socket) -> None:
    """Each by its name, none twice, and no line is longer than a log takes; others are not told."""
    names = [f"{number:03}-{'moo' * 20}" for number in range(300)]
    for name in names:
        (top / name).write_text("moo")
        (top / name).chmod(0o644)
    digest = hashlib.sha1(b"moo").hexdigest()
    wanted = [[name, 3, digest, None] for name in ["nowhere", *names]]

    with loud_checks(top) as (asked, _, _):
        assert asked.find_well(wanted) == [False, *[True] * 300]

    lines = [log.recv(65536).decode() for _ in range(4)]
    log.settimeout(0)
    with pytest.raises(BlockingIOError):
        log.recv(1)
    assert all(len(line) < 8192 for line in lines)
    told = [
        name for line in lines for name in re.findall(r"_original_basename=(\S+?)(?:,| |$)", line)
    ]
    assert told == names
    assert all(line.count("Invoked with") == 1 for line in lines)


def test_a_file_of_which_the_log_does_not_hear_is_not_well(
    top: Path, log: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log that is stuck is the module's to wait for."""
    monkeypatch.setattr(system_log, "PATIENCE_SECONDS", 0.0)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as noise:
        noise.settimeout(0)
        with contextlib.suppress(BlockingIOError):
            while True:
                noise.sendto(b"moo", system_log._SOCKET)
    with loud_checks(top) as (asked, _, _):
        assert not is_well(asked, "first")
        log.recv(1)
        assert is_well(asked, "first")
