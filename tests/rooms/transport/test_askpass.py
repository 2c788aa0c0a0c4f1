"""transport/askpass.py: the password reaches askpass and nobody else."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from herder.model.secret import Secret
from herder.transport.askpass import PasswordPipe

WORD = 'it\'s "odd" $(word) \\n ü'


@pytest.fixture
def pipe() -> Iterator[PasswordPipe]:
    """Give a pipe that holds WORD."""
    made = PasswordPipe(Secret(WORD))
    yield made
    made.remove()


def ask(pipe: PasswordPipe, prompt: str) -> subprocess.CompletedProcess[str]:
    """Ask as ssh does."""
    environment = {**os.environ, **pipe.environment}
    return subprocess.run(
        [environment["SSH_ASKPASS"], prompt],
        env=environment,
        capture_output=True,
        text=True,
        timeout=5,
        check=False,
    )


def test_password_is_given_to_each_host_on_the_way(pipe: PasswordPipe) -> None:
    """ProxyJump asks for every hop, and any character may be in a password."""
    answers = [ask(pipe, "joe@web1's password: ").stdout for _ in range(3)]

    assert answers == [f"{WORD}\n"] * 3


@pytest.mark.parametrize(
    "prompt",
    ["Are you sure you want to continue connecting (yes/no/[fingerprint])?", "Enter passphrase"],
)
def test_other_questions_are_not_answered(pipe: PasswordPipe, prompt: str) -> None:
    """An unknown host key must never be accepted by accident."""
    answer = ask(pipe, prompt)

    assert (answer.returncode, answer.stdout) == (1, "")


def test_nothing_stays_and_nobody_else_may_look(pipe: PasswordPipe) -> None:
    """The file system holds a name, never the word."""
    folder = Path(pipe.environment["HERDER_ASKPASS"]).parent
    mode = folder.stat().st_mode & 0o777

    pipe.remove()
    pipe.remove()

    assert (mode, folder.exists()) == (0o700, False)
