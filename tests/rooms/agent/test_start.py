"""agent/start.py: an agent greets before it has imported what it may never need."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from herder.wire.bootstrap import agent_payload, bootstrap_line
from herder.wire.handshake import GREETING
from tests.support.sessions import home_at

COSTLY = {
    *("typing", "enum", "re", "json", "hashlib", "contextlib", "collections", "functools"),
    *("subprocess", "socket", "tempfile", "shutil", "threading", "platform", "signal"),
    *("importlib", "importlib.util", "dataclasses", "datetime", "logging", "zipfile"),
}


def imported(words: list[str], sent: bytes) -> tuple[set[str], bytes]:
    """Give what a program imports, and what it says."""
    done = subprocess.run(words, input=sent, capture_output=True, check=True)
    lines = [line.split("|") for line in done.stderr.decode().splitlines()]
    return {line[2].strip() for line in lines if len(line) == 3}, done.stdout


@pytest.fixture(autouse=True)
def _unused_home(tmp_path: Path, _home: None) -> Iterator[None]:
    """A home where no module ever ran: an agent imports ahead what the last run there needed."""
    with home_at(tmp_path):
        yield


def test_agent_greets_without_the_costly_packages_of_the_standard_library(python: str) -> None:
    """They took three quarters of what starting an agent cost a host."""
    line = bootstrap_line((f"{python} -X importtime",))
    for_nothing, _ = imported([python, "-X", "importtime", "-c", "pass"], b"")
    imported(["/bin/sh", "-c", line], agent_payload())

    of_an_agent, said = imported(["/bin/sh", "-c", line], agent_payload())

    assert GREETING in said
    assert "herder.agent.server" in of_an_agent
    assert not COSTLY & (of_an_agent - for_nothing)
    assert len(of_an_agent - for_nothing) < 60
