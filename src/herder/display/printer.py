"""What commands print with: tables and sentences to one stream, coloured as the operator wants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TextIO

from herder.display.console import make_console
from herder.display.table import Table, Tone, print_line, print_table


class Printer:
    """Prints to `stream`; rich stays behind it."""

    def __init__(self, stream: TextIO, environment: Mapping[str, str]) -> None:
        self._console = make_console(stream, environment)

    def table(self, table: Table) -> None:
        """Print a table, fitted to a terminal and whole elsewhere."""
        print_table(self._console, table)

    def line(self, text: str = "", tone: Tone = Tone.PLAIN) -> None:
        """Print one sentence."""
        print_line(self._console, text, tone)
