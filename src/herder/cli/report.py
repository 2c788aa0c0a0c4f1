"""Write a past run as one HTML page that needs nothing from elsewhere."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TextIO

from herder.cli.command_parser import CommandParser, parse_words
from herder.cli.past_run import past_run
from herder.display.printer import Printer
from herder.errors import UsageError
from herder.record.history import History
from herder.record.report import write_report
from herder.settings import from_environment


def main(words: Sequence[str]) -> int:
    """Run `herder report WORDS...` and give the exit code."""
    return make_report(words, sys.stdout, os.environ)


def make_report(words: Sequence[str], stream: TextIO, environment: Mapping[str, str]) -> int:
    """Do as `main`, with the stream and the environment given."""
    chosen = parse_words(_parser(), words)
    if chosen is None:
        return 0
    directory = chosen.directory or from_environment(environment).state_directory
    with contextlib.closing(History(directory)) as history:
        run_id = past_run(history, chosen.run)
        page = write_report(history, run_id, zone=datetime.now().astimezone().tzinfo)
    if str(chosen.html) == "-":
        stream.write(page)
        return 0
    path = chosen.html or Path(f"run-{run_id}.html")
    _write(path, page)
    Printer(stream, environment).line(f"run {run_id} is in {path}")
    return 0


def _parser() -> CommandParser:
    parser = CommandParser(prog="herder report", description="A past run as one HTML page.")
    parser.add_argument("run", metavar="RUN", nargs="?", default="last", help="a number, or last")
    parser.add_argument(
        "--html", metavar="FILE", type=Path, help="where to write it (run-N.html), - for stdout"
    )
    parser.add_argument(
        "--directory", metavar="PATH", type=Path, help="the state directory to read"
    )
    return parser


def _write(path: Path, page: str) -> None:
    try:
        path.write_text(page, encoding="utf-8", errors="replace")
        # Results may hold what nobody else should read, as the record itself.
        path.chmod(0o600)
    except OSError as error:
        raise UsageError(
            f"the report cannot be written: {error.strerror}", context=str(path)
        ) from error
