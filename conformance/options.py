"""The words of `python -m conformance`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from conformance.commands import Engine

DESCRIPTION = """\
Run ansible-core's integration targets with Herder, or with stock ansible-core, in throw-away
copies of this machine. Needs root on Linux. Targets that stock was not yet run on are first run
with it; its results are kept in the file of --stock."""

EXAMPLES = """\
examples:
  python -m conformance loops handlers          two targets
  python -m conformance language plugin/lookup  a group, a topic
  python -m conformance --all --jobs 2 --json results.json
  python -m conformance.table results.json      docs/compatibility.md from results"""


def parse(words: list[str]) -> argparse.Namespace:
    """Read the words. *Raises*: SystemExit, as argparse does."""
    parser = argparse.ArgumentParser(
        prog="python -m conformance",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _what_options(parser)
    _how_options(parser)
    options = parser.parse_args(words)
    if not (options.targets or options.all or options.fast):
        parser.error("name targets, groups or topics, or say --all or --fast")
    return options


def _what_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("targets", nargs="*", metavar="NAME", help="a target, a topic or a group of targets.tsv")
    add("--all", action="store_true", help="all targets that can run here")
    add("--fast", action="store_true", help="those of fast.txt, which continuous integration runs")
    add("--missing", action="store_true", help="only targets that --json has no counted result of")
    add(
        "--with",
        dest="engine",
        type=Engine,
        default=Engine.HERDER,
        metavar="ENGINE",
        help="stock, herder or nothing (a command that only exits with 0); default: herder",
    )
    add(
        "--venv",
        type=_path,
        default=Path(sys.prefix),
        metavar="FOLDER",
        help="virtual environment with the ansible-core to run; default: this one",
    )


def _how_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--jobs", type=int, default=2, metavar="N", help="targets at a time; default: 2")
    add("--json", type=_path, metavar="FILE", help="results; added to when it is there")
    add("--stock", type=_path, metavar="FILE", help="stock's results to compare with")
    add("--logs", type=_path, metavar="FOLDER", help="a log a target; default: beside --json")
    add("--timeout", type=float, default=180, metavar="SECONDS", help="a target; default: 180")
    add("--retries", type=int, default=0, metavar="N", help="of a target that does not count")
    add("--env", type=_pair, action="append", default=[], metavar="NAME=VALUE")
    add("-v", dest="verbosity", action="count", default=0, help="passed on to the targets")


def _path(text: str) -> Path:
    # Made absolute without following links: a virtual environment's python is one.
    return Path(os.path.abspath(text))  # noqa: PTH100  # Path.resolve would follow them


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, got {text!r}")
    return name, value
