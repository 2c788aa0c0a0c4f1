"""The command `herder`: finding commands, and what an error becomes."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

import pytest

import herder
from herder.cli.main import captions, error_text, main
from herder.errors import HerderError, HostUnreachable, UsageError

Words = Sequence[str]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Words], int]], str]:
    """Give a way to put a function in the place of a command's `main`; it answers the name."""

    def install(body: Callable[[Words], int]) -> str:
        module = ModuleType("herder.cli.probe")
        module.main = body  # type: ignore[attr-defined]  # a module made here has no declared names
        monkeypatch.setitem(sys.modules, "herder.cli.probe", module)
        monkeypatch.setattr("herder.cli.main.captions", lambda: {"probe": "A probe."})
        return "probe"

    return install


def test_version_comes_at_once() -> None:
    """Shell completion and scripts ask for it; nothing heavy may be imported for it."""
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "herder", "--version"],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(Path(herder.__file__).parents[1])},
    )
    seconds = time.monotonic() - start

    assert done.stdout == f"herder {herder.__version__}\n"
    assert not {"ansible", "rich", "asyncio"} & {
        line.rpartition("|")[2].strip() for line in done.stderr.splitlines()
    }
    assert seconds < 2


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["help"]])
def test_help_lists_every_command_with_its_caption(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The list is how a newcomer finds a command."""
    code = main(words)

    out = " ".join(capsys.readouterr().out.split())
    assert code == 0
    assert all(f" {name} {caption}" in out for name, caption in captions().items())


@pytest.mark.parametrize("columns", [60, 80])
def test_help_is_broken_between_words(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first screen of all: a terminal of 80 columns broke eleven of its lines inside a word."""
    monkeypatch.setenv("COLUMNS", str(columns))

    main(["--help"])

    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= columns


@pytest.mark.parametrize("closed", [">&-", "<&- >&- 2>&-"])
def test_a_command_runs_with_closed_streams(closed: str) -> None:
    """Some that start programs at night close them; a socket to a host took their place."""
    program = [sys.executable, "-m", "herder", "playbook", "--version"]

    # streams of its own: what an ssh of another test left non-blocking, ansible-core refuses
    done = subprocess.run(
        ["/bin/sh", "-c", f'"$@" {closed}', "sh", *program],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )

    assert done.returncode == 0


def test_every_caption_is_a_short_line() -> None:
    """Captions are shown in one column of the list."""
    assert [name for name, text in captions().items() if not 0 < len(text) < 90] == []


def test_an_unknown_command_names_the_nearest(
    command: Callable[[Callable[[Words], int]], str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A slip of the finger should cost one look."""
    command(lambda _words: 0)

    code = main(["prob"])

    assert code == 5
    assert capsys.readouterr().err == "herder: no such command: 'prob'\n  try: herder probe\n"


def test_an_unknown_option_is_not_called_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    """The message says what was looked for."""
    assert main(["--colour"]) == 5
    assert "no such option: '--colour'" in capsys.readouterr().err


def test_a_command_gets_the_rest_of_the_words_and_gives_the_exit_code(
    command: Callable[[Callable[[Words], int]], str],
) -> None:
    """The dispatcher reads nothing of what a command means."""
    seen: list[str] = []

    def body(words: Words) -> int:
        seen.extend(words)
        return 4

    assert main([command(body), "-i", "hosts", "--help"]) == 4
    assert seen == ["-i", "hosts", "--help"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("words do not fit"), 5),
        (HostUnreachable("web3", "connection refused"), 1),
        (KeyboardInterrupt(), 99),
    ],
)
def test_an_expected_error_ends_in_its_code_without_a_traceback(
    error: BaseException,
    code: int,
    command: Callable[[Callable[[Words], int]], str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A traceback tells a user that the program is broken."""

    def body(_words: Words) -> int:
        raise error

    assert main([command(body)]) == code
    assert "Traceback" not in capsys.readouterr().err


def test_a_bug_ends_in_250_with_the_traceback(
    command: Callable[[Callable[[Words], int]], str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Who reports a bug needs the place."""

    def body(_words: Words) -> int:
        raise ZeroDivisionError

    assert main([command(body)]) == 250
    err = capsys.readouterr().err
    assert "ZeroDivisionError" in err
    assert "this is a bug in Herder" in err


def test_an_error_text_has_message_context_and_hint() -> None:
    """What, where, and what to try."""
    error = HerderError("no space left", context="host 'web3'", hint="free some")

    assert error_text(error) == "herder: no space left (host 'web3')\n  try: free some\n"
