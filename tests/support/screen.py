"""A small terminal for tests: it takes what is written and has rows, a scroll-back and a cursor."""

from __future__ import annotations

import io
import re

_TOKEN = re.compile(r"\x1b\[(\??)([0-9;]*)([A-Za-z])|\r|\n|[^\x1b\r\n]")


class Screen(io.StringIO):
    """Understands what our region writes: text, CR, LF, cursor up, erase, cursor on and off."""

    def __init__(self, width: int = 80, height: int = 24) -> None:
        super().__init__()
        self.width = width
        self.height = height
        self.rows: list[str] = [""]
        self.writes = 0
        self.is_cursor_shown = True
        self._row = 0
        self._column = 0

    @property
    def encoding(self) -> str:  # type: ignore[override]  # a StringIO has none
        return "utf-8"

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.writes += bool(text)
        for match in _TOKEN.finditer(text):
            if match[3]:
                self._control(match[1], match[2], match[3])
            else:
                self._put(match[0])
        return len(text)

    def text(self) -> str:
        """Give all rows, also those that scrolled away, without the blanks at their ends."""
        return "\n".join(row.rstrip() for row in self.rows).rstrip("\n")

    def _control(self, private: str, number: str, letter: str) -> None:
        if private:
            self.is_cursor_shown = letter == "h"
        elif letter == "A":
            top = max(len(self.rows) - self.height, 0)
            self._row = max(self._row - int(number or 1), top)
        elif letter == "K":
            self.rows[self._row] = self.rows[self._row][: self._column]
        elif letter == "J":
            self.rows[self._row] = self.rows[self._row][: self._column]
            del self.rows[self._row + 1 :]
        else:
            assert letter == "m", f"the screen does not know {letter!r}"

    def _put(self, character: str) -> None:
        if character == "\r":
            self._column = 0
            return
        if character == "\n" or self._column == self.width:
            self._row += 1
            self._column = 0
            if self._row == len(self.rows):
                self.rows.append("")
        if character != "\n":
            row = self.rows[self._row].ljust(self._column)
            self.rows[self._row] = row[: self._column] + character + row[self._column + 1 :]
            self._column += 1
