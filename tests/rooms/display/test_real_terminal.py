"""The live view on a real pseudo-terminal: what is left of it after Ctrl-C and Ctrl-Z."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CTRL_C, CTRL_Z = b"\x03", b"\x1a"
HIDE, SHOW = b"\x1b[?25l", b"\x1b[?25h"


class Run:
    """A made-up run that a person watches; `seen` is all it wrote."""

    def __init__(self) -> None:
        self.process_id, self.terminal = pty.fork()
        if self.process_id == 0:
            os.chdir(ROOT)
            environment = {**os.environ, "PYTHONPATH": "src", "TERM": "xterm"}
            words = [sys.executable, "-m", "tests.support.play_scenario", "small"]
            os.execve(sys.executable, words, environment)
        self.seen = b""

    def read_until(self, words: bytes) -> None:
        start = len(self.seen)
        while words not in self.seen[start:]:
            self.seen += os.read(self.terminal, 65536)

    def read_all(self) -> None:
        with contextlib.suppress(OSError):
            while part := os.read(self.terminal, 65536):
                self.seen += part

    def press(self, key: bytes) -> None:
        os.write(self.terminal, key)

    def has_echo(self) -> bool:
        return bool(termios.tcgetattr(self.terminal)[3] & termios.ECHO)

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(self.process_id, signal.SIGKILL)
            os.waitpid(self.process_id, 0)
        os.close(self.terminal)


@pytest.fixture
def run() -> Iterator[Run]:
    """Give a run that has its live lines up."""
    started = Run()
    try:
        started.read_until(HIDE)
        yield started
    finally:
        started.end()


def test_ctrl_c_gives_the_terminal_back(run: Run) -> None:
    """A shell without cursor or echo looks dead."""
    had_echo = run.has_echo()

    run.press(CTRL_C)
    run.read_all()

    assert not had_echo
    assert run.has_echo()
    assert run.seen.rindex(HIDE) < run.seen.rindex(SHOW)


def test_ctrl_z_gives_the_terminal_back_and_going_on_takes_it_again(run: Run) -> None:
    """The shell's prompt comes next; afterwards `fg` shows the run where it is."""
    run.press(CTRL_Z)
    _, status = os.waitpid(run.process_id, os.WUNTRACED)
    echo_while_stopped = run.has_echo()
    run.read_until(SHOW)
    os.kill(run.process_id, signal.SIGCONT)
    run.read_until(HIDE)

    assert os.WIFSTOPPED(status)
    assert echo_while_stopped
    assert not run.has_echo()
