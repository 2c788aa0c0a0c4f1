"""Past runs: the list, one run in detail, two runs compared, how long the next will take."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import enum
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

from herder.cli.command_parser import CommandParser, parse_words, positive_integer
from herder.cli.history_tables import (
    comparison_table,
    failures_table,
    path_table,
    recap_table,
    runs_table,
    slowest_table,
)
from herder.cli.past_run import past_run
from herder.display.printer import Printer
from herder.display.table import Tone
from herder.record.history import History
from herder.record.report import verdict_of
from herder.settings import from_environment

SLOWEST_TASKS = 10


def main(words: Sequence[str]) -> int:
    """Run `herder history WORDS...` and give the exit code."""
    return show_history(words, sys.stdout, os.environ)


def show_history(words: Sequence[str], stream: TextIO, environment: Mapping[str, str]) -> int:
    """Do as `main`, with the stream and the environment given."""
    chosen = parse_words(_parser(), words)
    if chosen is None:
        return 0
    directory = chosen.directory or from_environment(environment).state_directory
    with contextlib.closing(History(directory)) as history:
        if chosen.json:
            document = _document(history, chosen)
            stream.write(json.dumps(_plain(document), indent=2) + "\n")
            return 0
        _print(history, chosen, Printer(stream, environment))
    return 0


def _parser() -> CommandParser:
    parser = CommandParser(
        prog="herder history",
        description="Past runs: the list, or one run in detail.",
    )
    parser.add_argument("run", metavar="RUN", nargs="?", help="a number from the list, or last")
    parser.add_argument(
        "--compare", metavar="OTHER", help="show the tasks of OTHER and RUN side by side"
    )
    parser.add_argument("--playbook", metavar="FILE", type=Path, help="only runs of this playbook")
    parser.add_argument(
        "--limit", metavar="N", type=positive_integer, default=20, help="at most N runs (20)"
    )
    parser.add_argument("--json", action="store_true", help="as one JSON document")
    parser.add_argument(
        "--directory", metavar="PATH", type=Path, help="the state directory to read"
    )
    return parser


def _document(history: History, chosen: argparse.Namespace) -> object:
    if chosen.compare:
        return history.compare(*_two_runs(history, chosen))
    if chosen.run:
        run_id = past_run(history, chosen.run)
        return {
            "run": history.detail(run_id),
            "critical_path": history.critical_path(run_id),
        }
    document: dict[str, object] = {"runs": history.runs(chosen.limit, _playbook(chosen))}
    if chosen.playbook:
        document["forecast"] = history.forecast(str(_playbook(chosen)))
    return document


def _print(history: History, chosen: argparse.Namespace, printer: Printer) -> None:
    if chosen.compare:
        before, after = _two_runs(history, chosen)
        printer.table(comparison_table(history.compare(before, after), before, after))
    elif chosen.run:
        _print_run(history, past_run(history, chosen.run), printer)
    else:
        _print_list(history, chosen, printer)


def _print_list(history: History, chosen: argparse.Namespace, printer: Printer) -> None:
    runs = history.runs(chosen.limit, _playbook(chosen))
    if not runs:
        printer.line("no runs in the record")
        return
    printer.table(runs_table(runs))
    forecast = history.forecast(str(_playbook(chosen))) if chosen.playbook else None
    if forecast:
        printer.line(
            f"it takes {forecast.seconds:.1f} s (median of {forecast.runs}, "
            f"{forecast.fastest_seconds:.1f} to {forecast.slowest_seconds:.1f} s)"
        )


def _print_run(history: History, run_id: int, printer: Printer) -> None:
    detail = history.detail(run_id)
    verdict, tone = verdict_of(detail.summary)
    printer.table(runs_table([detail.summary]))
    printer.line(verdict, Tone.GOOD if tone == "good" else Tone.BAD)
    printer.line(detail.summary.command, Tone.QUIET)
    for table in (
        failures_table(detail.failures),
        slowest_table(history.slowest_tasks(run_id, SLOWEST_TASKS)),
        path_table(history.critical_path(run_id)),
        recap_table(detail.totals),
    ):
        if table.rows:
            printer.line()
            printer.table(table)


def _two_runs(history: History, chosen: argparse.Namespace) -> tuple[int, int]:
    return past_run(history, chosen.compare), past_run(history, chosen.run or "last")


def _playbook(chosen: argparse.Namespace) -> str | None:
    # Runs are kept under the whole path: the same name in two projects is two playbooks.
    return str(chosen.playbook.resolve()) if chosen.playbook else None


def _plain(value: object) -> object:
    """Give what JSON has for our dataclasses, enums and dicts of enums."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = (field.name for field in dataclasses.fields(value))
        return {name: _plain(getattr(value, name)) for name in names}
    if isinstance(value, dict):
        return {str(_plain(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.value if isinstance(value, enum.Enum) else value
