"""The command `herder`: finds the command's file, runs it, and turns errors into exit codes."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import herder
from herder.errors import HerderError, UsageError, exit_code_of

_LAST_STREAM = 2
_HELP_WORDS = ("-h", "--help", "help")
_CACHE = Path("~/.cache/herder/start")


def main(words: Sequence[str] | None = None) -> int:
    """Run `herder WORDS...` and give the exit code; without `words`, those of the process."""
    words = sys.argv[1:] if words is None else words
    return guard(lambda: _dispatch(words), command=" ".join(words[:1]))


def guard(body: Callable[[], int], *, command: str) -> int:
    """Run the body of a command; what it raises becomes a text and an exit code.

    For every entry of the console: `herder` itself and those that are installed beside it.
    """
    _open_closed_streams()
    try:
        return body()
    except HerderError as error:
        sys.stderr.write(error_text(error))
        return exit_code_of(error)
    except KeyboardInterrupt as interrupt:
        sys.stderr.write("\nherder: interrupted\n")
        return exit_code_of(interrupt)
    except Exception as bug:  # noqa: BLE001  # the outermost shell: it ends in a text and a code
        sys.stderr.write(_bug_text(command))
        return exit_code_of(bug)


def _open_closed_streams() -> None:
    """Let standard streams that are closed lead nowhere; the way to a host would get their number.

    *Source*: Python's documentation, sys.stdout: None where the descriptor is closed.
    """
    names = ("stdin", "stdout", "stderr")
    missing = [number for number, name in enumerate(names) if getattr(sys, name) is None]
    if missing:
        while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _LAST_STREAM:
            os.set_inheritable(descriptor, True)  # noqa: FBT003 -- it takes no keyword
        os.close(descriptor)
    for number in missing:
        stream = open(number, "r" if number == 0 else "w", closefd=False)  # noqa: SIM115 -- stays
        setattr(sys, names[number], stream)


def error_text(error: HerderError) -> str:
    """Give what a person reads of an error: message and context, then the hint on its own line."""
    hint = f"  try: {error.hint}\n" if error.hint else ""
    return f"herder: {error}\n{hint}"


def captions() -> dict[str, str]:
    """Give every command's name and caption, in the order of their names.

    A command is a file beside this one that has a `main`. The files are read, not imported:
    importing all commands would make `herder --help` wait for ansible-core.
    """
    files = sorted(Path(__file__).parent.glob("[a-z]*.py"))
    texts = {file.stem: file.read_text(encoding="utf-8") for file in files if _is_command(file)}
    return {name: text.partition("\n")[0].strip('"') for name, text in texts.items()}


def _is_command(file: Path) -> bool:
    is_other = file.stem == "main" or not file.is_file()
    return not is_other and "\ndef main(" in file.read_text(encoding="utf-8")


def _dispatch(words: Sequence[str]) -> int:
    if not words or words[0] in _HELP_WORDS:
        sys.stdout.write(_help_text())
        return 0
    if words[0] in ("-V", "--version"):
        sys.stdout.write(f"herder {herder.__version__}\n")
        return 0
    name, *rest = words
    file = Path(__file__).with_name(f"{name}.py")
    if not (name.isidentifier() and _is_command(file)) and name not in (known := captions()):
        raise _unknown(name, known)
    with started(f"herder.cli.{name}") as command:
        code: int = command.main(rest)
    return code


@contextlib.contextmanager
def started(name: str) -> Iterator[Any]:
    """Give the file of a command, or run.py: imported here, as none waits for all the others."""
    # by name and late: `herder --version` and the help need nothing of it
    quick = importlib.import_module("herder.quick_start")
    kept_file = importlib.import_module("herder.kept_file")
    at_home = importlib.import_module("herder.person").at_home
    with quick.quick_start(kept_file.own_folder(at_home(_CACHE))):
        yield quick.import_late(name)


def _unknown(name: str, known: dict[str, str]) -> UsageError:
    kind = "option" if name.startswith("-") else "command"
    # late, as below: no command that is known waits for it
    near = importlib.import_module("difflib").get_close_matches(name, known, n=1)
    hint = f"herder {near[0]}" if near else "herder --help"
    return UsageError(f"no such {kind}: {name!r}", hint=hint)


def _help_text() -> str:
    # late: what breaks lines is for the help alone, and every other command would wait for it
    text: str = importlib.import_module("herder.cli.help_text").help_text(captions())
    return text


def _bug_text(command: str) -> str:
    traceback = importlib.import_module("traceback").format_exc()
    return (
        f"{traceback}\n"
        f"herder: this is a bug in Herder {herder.__version__} (command {command!r})\n"
        "  try: report it with the lines above; check them for passwords first\n"
    )
