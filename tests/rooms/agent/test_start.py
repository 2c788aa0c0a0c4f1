"""agent/start.py: an agent greets before it has imported what it may never need."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from herder.agent.start import private_directory, read_checked, write_checked
from herder.wire.bootstrap import agent_payload, bootstrap_line
from herder.wire.handshake import GREETING
from tests.support.pythons import THIS

COSTLY = {
    *("typing", "enum", "re", "json", "hashlib", "contextlib", "collections", "functools"),
    *("subprocess", "socket", "tempfile", "shutil", "threading", "platform", "signal"),
    *("importlib", "importlib.util", "dataclasses", "datetime", "logging", "zipfile"),
}


def imported(words: list[str], sent: bytes, home: Path) -> tuple[set[str], bytes]:
    """Give what a program imports, and what it says; with a cache that no other run changes."""
    surroundings = {**os.environ, "HOME": str(home)}
    done = subprocess.run(words, input=sent, capture_output=True, check=True, env=surroundings)
    lines = [line.split("|") for line in done.stderr.decode().splitlines()]
    return {line[2].strip() for line in lines if len(line) == 3}, done.stdout


def test_agent_greets_without_the_costly_packages_of_the_standard_library(
    python: str, tmp_path: Path
) -> None:
    """They took three quarters of what starting an agent cost a host."""
    line = bootstrap_line((f"{python} -X importtime",))
    for_nothing, _ = imported([python, "-X", "importtime", "-c", "pass"], b"", tmp_path)
    imported(["/bin/sh", "-c", line], agent_payload(), tmp_path)

    of_an_agent, said = imported(["/bin/sh", "-c", line], agent_payload(), tmp_path)

    assert GREETING in said
    assert "herder.agent.server" in of_an_agent
    assert not COSTLY & (of_an_agent - for_nothing)
    assert len(of_an_agent - for_nothing) < 60


def test_cache_that_cannot_be_read_is_as_none(tmp_path: Path) -> None:
    """A disk that gives no file back, or a folder in its place, made the host unreachable."""
    line = bootstrap_line((THIS,))
    imported(["/bin/sh", "-c", line], agent_payload(), tmp_path)
    (kept,) = (tmp_path / ".cache" / "herder").glob("agent-*")
    kept.unlink()
    kept.mkdir()

    _, said = imported(["/bin/sh", "-c", line], agent_payload(), tmp_path)

    assert GREETING in said


@pytest.mark.parametrize("place", [".", ".cache", ".cache/herder"])
def test_cache_that_others_could_write_into_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """What lies there is run, perhaps as root."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert private_directory() == str(tmp_path / ".cache" / "herder")

    (tmp_path / place).chmod(0o770)

    assert private_directory() is None


def test_file_of_somebody_else_in_the_cache_is_not_read(tmp_path: Path) -> None:
    """Nor one that a link leads to."""
    kept, link = tmp_path / "kept" / "part", tmp_path / "part"
    kept.parent.mkdir()
    assert write_checked(str(kept), b"code")
    link.symlink_to(kept)

    assert read_checked(str(kept)) == b"code"
    assert read_checked(str(link)) is None
    if os.geteuid() == 0:
        os.chown(kept, 1234, -1)
        assert read_checked(str(kept)) is None
