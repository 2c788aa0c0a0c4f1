"""The parser of one command's words: wrong words are a UsageError, --help is exit code 0."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NoReturn

from herder.errors import UsageError


class CommandParser(argparse.ArgumentParser):
    """An argparse parser that raises instead of ending the process."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, hint=f"{self.prog} --help")


def parse_words(parser: CommandParser, words: Sequence[str]) -> argparse.Namespace | None:
    """Give the options, None when --help was asked for and printed. *Raises*: UsageError."""
    try:
        return parser.parse_args(list(words))
    except SystemExit:
        return None


def positive_integer(text: str) -> int:
    """Read a count; for `type=` of an option."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}, expected 1 or more")
    return int(text)


def seconds(text: str) -> float:
    """Read a time to wait; for `type=` of an option."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r}, expected seconds, 0 or more")
    return number
