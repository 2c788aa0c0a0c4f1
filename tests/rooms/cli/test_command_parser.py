"""What stands for a number on the command line."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from herder.cli.command_parser import CommandParser, positive_integer, seconds
from herder.errors import UsageError


def read(words: Sequence[str]) -> tuple[int, float]:
    parser = CommandParser(prog="herder probe")
    parser.add_argument("-n", type=positive_integer, default=1)
    parser.add_argument("--wait", type=seconds, default=0.0)
    chosen = parser.parse_args(list(words))
    return chosen.n, chosen.wait


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "x", ""])
def test_what_is_no_count_is_told_what_is(text: str) -> None:
    """It named a function of ours: invalid positive_integer value."""
    with pytest.raises(UsageError, match=f"argument -n: '{text}', expected 1 or more"):
        read([f"-n{text}"] if text else ["-n", text])


@pytest.mark.parametrize("text", ["soon", "-5", "nan", "inf"])
def test_what_is_no_time_is_told_what_is(text: str) -> None:
    """A wait below zero was taken for none."""
    with pytest.raises(UsageError, match=f"'{text}', expected seconds, 0 or more"):
        read([f"--wait={text}"])


def test_numbers_are_read() -> None:
    """Halves of a second, too."""
    assert read(["-n", "3", "--wait", "0.5"]) == (3, 0.5)
