"""Lines that stay at the bottom of a terminal while others scroll away above them.

The region owns the rows from its first line down to the cursor. Each change is one write: the
cursor goes up to the first row, what scrolls away is written over it, the live lines follow, and
what is left below is erased. Nothing is written when nothing changed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from herder.display.plain_text import encodable
from herder.display.quiet_keys import QuietKeys

_HIDE_CURSOR = "\x1b[?25l"
_SHOW_CURSOR = "\x1b[?25h"
_ERASE_LINE_END = "\x1b[K"
_ERASE_BELOW = "\x1b[J"


class Region:
    """The live rows of one console; without a terminal, only what scrolls away is written."""

    def __init__(self, console: Console) -> None:
        self._console = console
        # The console's file is asked for once: sys.stdout may be guarded while the region is up.
        self._stream: TextIO = console.file  # type: ignore[assignment]  # rich says IO[str]
        self._keys = QuietKeys(self._stream)
        self._shown: list[str] = []
        self._widths: tuple[int, ...] = ()
        self._is_up = False

    @property
    def is_live(self) -> bool:
        return self._console.is_terminal and not self._console.is_dumb_terminal

    def paint(self, above: Sequence[Text], live: Sequence[Text]) -> None:
        """Write `above` into the scroll-back and `live` under it."""
        # A terminal that went away (SIGHUP, closed window) must not end the run.
        with contextlib.suppress(OSError, ValueError):
            if self.is_live:
                self._paint_live(above, live)
            else:
                self._write("".join(line + "\n" for line in self._ansi(above)))

    def _paint_live(self, above: Sequence[Text], live: Sequence[Text]) -> None:
        drawn = self._ansi(live)
        if not above and drawn == self._shown:
            return
        start = ""
        if drawn and not self._is_up:
            start = _HIDE_CURSOR
            self._keys.hush()
        if above:
            rows = _ERASE_BELOW + "".join(line + "\n" for line in (*self._ansi(above), *drawn))
        else:
            # Row by row, and each erased before it is written: nothing flickers, and a terminal
            # that stands behind its last column does not lose the character there.
            rows = "".join(_ERASE_LINE_END + line + "\n" for line in drawn) + _ERASE_BELOW
        self._write(start + self._to_top() + rows)
        self._is_up = self._is_up or bool(drawn)
        self._shown = drawn
        self._widths = tuple(cell_len(line.plain) for line in live)

    def take_down(self) -> None:
        """Erase the live rows and give the cursor back; what scrolled away stays."""
        if self._is_up:
            self._keys.restore()
            with contextlib.suppress(OSError, ValueError):
                self._write(self._to_top() + _ERASE_BELOW + _SHOW_CURSOR)
        self.forget()
        self._is_up = False

    def forget(self) -> None:
        """Take the live rows for gone: something else wrote to the terminal below them."""
        self._shown, self._widths = [], ()

    def _to_top(self) -> str:
        """Give what moves to the first live row, counting rows as the terminal folds them now."""
        width = max(self._console.width, 1)
        rows = sum(max(-(-cells // width), 1) for cells in self._widths)
        return f"\r\x1b[{rows}A" if rows else "\r"

    def _ansi(self, lines: Sequence[Text]) -> list[str]:
        if not lines:
            return []
        with self._console.capture() as captured:
            self._console.print(Text("\n").join(lines), end="", soft_wrap=True)
        return captured.get().split("\n")

    def _write(self, text: str) -> None:
        if text:
            self._stream.write(encodable(text, self._stream.encoding))
            self._stream.flush()
