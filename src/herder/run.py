"""Puts the rooms together for one run; the only place that knows them all."""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from herder.display.choice import OUTPUT_HELP, OUTPUT_HINT, OutputKind, OutputWishes, choose_output
from herder.display.json_lines import JsonLines
from herder.errors import UsageError, exit_code_of
from herder.events import EventSink
from herder.head_start import HeadStart
from herder.language.blocking import LoopThread
from herder.language.start import run_module, run_playbook
from herder.language.surroundings import Surroundings
from herder.person import user_name
from herder.quick_start import import_late
from herder.record.run_record import RecordClocks, RunHeading, RunRecord
from herder.settings import Settings, from_environment

# With one of these a command shows something and runs nothing: no run to be kept.
_ONLY_SHOWN = frozenset(
    ("-h", "--help", "--version", "--syntax-check", "--list-hosts", "--list-tasks", "--list-tags")
)

Command = Callable[[Sequence[str], str, Surroundings], int]


def playbook(words: Sequence[str], *, program: str, start: HeadStart) -> int:
    """Run `ansible-playbook` with these words through Herder; its exit code."""
    return play(run_playbook, words, program, start, more_help=OUTPUT_HELP)


def module(words: Sequence[str], *, program: str, start: HeadStart) -> int:
    """Run the ad-hoc `ansible` with these words through Herder; its exit code."""
    return play(run_module, ["--output", "plain", *words], program, start)


def play(
    command: Command,
    words: Sequence[str],
    program: str,
    start: HeadStart,
    *,
    is_transaction: bool = False,
    more_help: str = "",
) -> int:
    """Run a command of ansible-core with all that belongs to a run; its exit code.

    One that `is_transaction` is never tried again for some hosts alone.
    """
    settings = from_environment(os.environ)
    wishes, words = taken_from(words)
    kind = choose_output(wishes, os.environ)
    with (
        _record(settings, program, words) as record,
        _display(kind, wishes.verbosity, start.loop, is_transaction=is_transaction) as display,
    ):
        surroundings = Surroundings(
            sessions=start.sessions,
            loop=start.loop,
            sinks=(*display.sinks, *((record,) if record else ()), *start.sinks),
            is_quiet=kind is not OutputKind.PLAIN,
            during_prompt=start.lost_by(display.during_prompt),
            hosts_limit=settings.forks_max,
            more_help=more_help,
            trail=start.trail,
        )
        code = command(words, program, surroundings)
        if record:
            record.finish(code)
        start.keep()
        return code


@contextlib.contextmanager
def _record(settings: Settings, program: str, words: Sequence[str]) -> Iterator[RunRecord | None]:
    """Give the record of this run, None where nothing runs; it never stands in the run's way."""
    if _ONLY_SHOWN.intersection(words):
        yield None
        return
    heading = RunHeading(
        command=(*program.split(), *words),
        playbook=_playbook_path(words),
        user=user_name(),
        controller=platform.node(),
    )
    record = RunRecord(
        settings.state_directory,
        heading,
        RecordClocks(time.monotonic, time.time),
        warn=_warn,
    )
    try:
        yield record
    except BaseException as error:
        record.finish(exit_code_of(error))
        raise
    finally:
        record.close()


def _playbook_path(words: Sequence[str]) -> str:
    """Give the first word that is a playbook by its name, as a whole path."""
    named = (word for word in words if word.endswith((".yml", ".yaml")))
    path = next((word for word in named if Path(word).is_file()), "")
    return str(Path(path).resolve()) if path else ""


def _warn(text: str) -> None:
    sys.stderr.write(f"herder: {text}\n")


def taken_from(words: Sequence[str]) -> tuple[OutputWishes, list[str]]:
    """Take our own words out of ansible-playbook's, and look at how loud it is asked to be.

    *Raises*: UsageError when --output has no word.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--output", default="")
    try:
        ours, rest = parser.parse_known_args(list(words))
    except argparse.ArgumentError as error:
        raise UsageError(str(error), hint=OUTPUT_HINT) from None
    parser.add_argument("-v", "--verbose", action="count", default=0)
    verbosity = parser.parse_known_args(rest)[0].verbose
    wishes = OutputWishes(
        asked=ours.output,
        is_terminal=sys.stdout.isatty(),
        verbosity=verbosity,
    )
    return wishes, rest


@dataclass(frozen=True, slots=True)
class _Display:
    sinks: tuple[EventSink, ...]
    during_prompt: Callable[[], contextlib.AbstractContextManager[None]]


@contextlib.contextmanager
def _display(
    kind: OutputKind, verbosity: int, loop: LoopThread, *, is_transaction: bool
) -> Iterator[_Display]:
    """Give what shows the run; plain output is ansible's own callback and needs nothing."""
    if kind is OutputKind.LIVE:
        yield from _live(verbosity, loop, is_transaction=is_transaction)
    elif kind is OutputKind.JSON:
        yield from _json()
    else:
        yield _Display((), contextlib.nullcontext)


def _live(verbosity: int, loop: LoopThread, *, is_transaction: bool) -> Iterator[_Display]:
    # By name and late on purpose: rich takes a tenth of the time to start, and only this needs it.
    console = import_late("herder.display.console").make_console
    terminal = import_late("herder.display.live").LiveTerminal
    live = terminal(
        console(sys.stdout, os.environ),
        time.monotonic,
        verbosity=verbosity,
        is_transaction=is_transaction,
    )
    animation = loop.start(live.animate())
    try:
        yield _Display((live,), live.suspend)
    finally:
        animation.cancel()
        live.close()


def _json() -> Iterator[_Display]:
    """What ansible-core would write on standard output goes to standard error."""
    lines = JsonLines(sys.stdout, time.monotonic)
    with contextlib.redirect_stdout(sys.stderr):
        try:
            yield _Display((lines,), contextlib.nullcontext)
        finally:
            lines.close()
