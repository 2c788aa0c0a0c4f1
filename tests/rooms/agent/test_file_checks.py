"""agent/file_checks.py: one question about many files has the answers of many questions."""

from __future__ import annotations

import hashlib
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from herder.agent import file_checks, system_log
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


@pytest.mark.parametrize(
    ("name", "is_well"),
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
    top: Path, name: str, *, is_well: bool
) -> None:
    """A link, a second name, a name through a link: all of these go the module's own way."""
    assert checks(top).is_well(name, 3, hashlib.sha1(b"moo").hexdigest(), None) is is_well


def test_other_content_of_the_same_length_is_not_well(top: Path) -> None:
    """The size is only looked at first because that is cheap."""
    assert not checks(top).is_well("first", 3, hashlib.sha1(b"mew").hexdigest(), None)


def test_a_file_may_have_a_mode_of_its_own(top: Path) -> None:
    """With `mode: preserve` each file is to have the mode that it has here."""
    digest = hashlib.sha1(b"moo").hexdigest()
    assert checks(top).is_well("a/other mode", 3, digest, "0600")
    assert not checks(top).is_well("a/second", 3, digest, "0600")


def test_a_slow_disk_does_not_keep_the_agent_for_long(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An agent that does not answer for a minute is taken for dead; unknown is an answer."""
    monkeypatch.setattr(file_checks, "PATIENCE_SECONDS", -1.0)
    assert not checks(top).is_well("first", 3, hashlib.sha1(b"moo").hexdigest(), None)


def test_nothing_is_well_before_the_module_has_said_so(top: Path) -> None:
    """The module vouches: what it has not been asked for yet is not known here."""
    wishes = {**WISHES, "dest": str(top)}
    asked = FileChecks(wishes, taught().told(CALL, wishes), SystemLog(wishes))
    assert not asked.is_well("first", 3, hashlib.sha1(b"moo").hexdigest(), None)


def test_systems_log_is_told_of_each_file_as_by_the_module(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One question about many files is many lines in the log, each with its own name."""
    monkeypatch.setattr(system_log, "_SOCKET", str(top / "log"))
    wishes = {**WISHES, "dest": f"{top}/", "_original_basename": "first"}
    answers, loud = taught(wishes), {**wishes, "_ansible_no_log": False}
    answers.learn(CALL, params(loud), Outcome(0, module_says(wishes), b""))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(system_log._SOCKET)
        log.settimeout(5)
        with SystemLog(loud) as told:
            checks = FileChecks(loud, answers.told(CALL, loud), told)
            assert checks.is_well("a/second", 3, hashlib.sha1(b"moo").hexdigest(), None)
        line = log.recv(4096).decode()

        assert answers.give(CALL, params({**loud, "_original_basename": "a/second"})) is not None
        assert line.partition(": ")[2] == log.recv(4096).decode().partition(": ")[2]
