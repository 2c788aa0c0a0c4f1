"""Lines that other code prints while the live view is up, led into the scroll-back."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Callable, Iterator
from typing import BinaryIO, TextIO


class StrayOutput(io.TextIOBase):
    """Stands in for a standard stream: whole lines go to `take_line`, the rest waits.

    What asks for the file descriptor gets the real one: a program that we start writes as ever.
    """

    def __init__(self, real: TextIO, take_line: Callable[[str], None]) -> None:
        super().__init__()
        self._real = real
        self._take_line = take_line
        self._rest = ""

    @property
    def encoding(self) -> str:  # type: ignore[override]  # typeshed has a plain attribute here
        return self._real.encoding

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self._real.isatty()

    @property
    def buffer(self) -> BinaryIO:
        return self._real.buffer

    def fileno(self) -> int:
        return self._real.fileno()

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._take_line(line)
        return len(text)

    def flush_rest(self) -> None:
        """Give what was written without an end of line, too."""
        rest, self._rest = self._rest, ""
        if rest:
            self._take_line(rest)


@contextlib.contextmanager
def stray_output_led_to(take_line: Callable[[str], None]) -> Iterator[None]:
    """Put stand-ins for stdout and stderr in place; the real streams are back afterwards."""
    stdout = StrayOutput(sys.stdout, take_line)
    stderr = StrayOutput(sys.stderr, take_line)
    with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        try:
            yield
        finally:
            stdout.flush_rest()
            stderr.flush_rest()
