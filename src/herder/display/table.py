"""Tables that commands print: a title, columns that line up, rows with a tone."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from herder.display.palette import HEADING, OUTCOME_STYLE, QUIET
from herder.display.plain_text import encodable, one_line
from herder.display.wrap import wrap_cells
from herder.events import Outcome

_GAP = 2
_SMALLEST_COLUMN = 8
# So much of a column is worth more than another one that is optional.
_FAIR_COLUMN = 20


class Tone(enum.Enum):
    """What a row wants to say beside its words; without colours a mark stands before it."""

    PLAIN = ""
    GOOD = "good"
    NOTICE = "notice"
    BAD = "bad"
    QUIET = "quiet"


_STYLE = {
    Tone.PLAIN: "",
    Tone.GOOD: OUTCOME_STYLE[Outcome.OK],
    Tone.NOTICE: OUTCOME_STYLE[Outcome.CHANGED],
    Tone.BAD: OUTCOME_STYLE[Outcome.FAILED],
    Tone.QUIET: QUIET,
}
_MARK = {Tone.BAD: "! ", Tone.NOTICE: "* "}


@dataclass(frozen=True, slots=True)
class Column:
    """A column's heading; numbers stand at its right edge.

    Where a terminal is too narrow, wide columns are cut, and optional ones left out, the last one
    first, before little is left of others. Numbers are not cut, nor what is `is_whole`: half a date
    says nothing. What is prose goes on in the lines below instead: for the last column.
    """

    name: str
    is_number: bool = False
    is_prose: bool = False
    is_whole: bool = False
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One row, a cell a column."""

    cells: tuple[str, ...]
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class Table:
    """What is printed; each of `notes` is a sentence below, on a line of its own."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()


def print_table(console: Console, table: Table) -> None:
    """Print the table; on a terminal wide columns give way, elsewhere nothing is cut."""
    for line in table_lines(table, console.width if console.is_terminal else 0):
        _print(console, line)


def print_line(console: Console, text: str, tone: Tone = Tone.PLAIN) -> None:
    """Print one sentence beside tables."""
    _print(console, Text(text, style=_STYLE[tone]))


def _print(console: Console, line: Text) -> None:
    line.plain = encodable(line.plain, console.encoding)
    console.print(line, soft_wrap=True)


def table_lines(table: Table, width: int) -> list[Text]:
    """Give the lines of a table at most `width` cells wide; 0 for as wide as it gets."""
    has_marks = any(row.tone in _MARK for row in table.rows)
    indent = max(map(len, _MARK.values())) if has_marks else 0
    room = width - indent if width else 0
    columns, cells = _shown(
        table.columns, [[one_line(cell) for cell in row.cells] for row in table.rows], room
    )
    widths = _widths(columns, cells, room)
    is_prose = columns[-1].is_prose
    prose_at = indent + sum(widths[:-1]) + _GAP * (len(widths) - 1)
    head = Text(" " * indent)
    head.append_text(_line([column.name for column in columns], columns, widths))
    head.stylize(QUIET)
    lines = _sentence(table.title, HEADING, width)
    lines.append(head)
    for row, texts in zip(table.rows, cells, strict=True):
        line = Text(f"{_MARK.get(row.tone, ''):{indent}}" if indent else "")
        line.append_text(_line(texts, columns, widths))
        line.stylize(_STYLE[row.tone])
        line.rstrip()
        lines += wrap_cells(line, width, prose_at) if width and is_prose else [line]
    for note in table.notes:
        lines += _sentence(note, QUIET, width)
    return lines


def _sentence(text: str, style: str, width: int) -> list[Text]:
    if not text:
        return []
    line = Text(text, style=style)
    return wrap_cells(line, width, 0) if width else [line]


Cells = Sequence[Sequence[str]]


def _shown(columns: Sequence[Column], cells: Cells, room: int) -> tuple[Sequence[Column], Cells]:
    """Give the columns for which there is room, and what stands in them."""
    widths = [
        width if column.is_number or column.is_whole else min(width, _FAIR_COLUMN)
        for width, column in zip(_whole_widths(columns, cells), columns, strict=True)
    ]
    shown = list(range(len(columns)))
    for number in reversed(range(len(columns))):
        if not room or _wide([widths[each] for each in shown]) <= room:
            break
        if columns[number].is_optional:
            shown.remove(number)
    return [columns[number] for number in shown], [[row[each] for each in shown] for row in cells]


def _widths(columns: Sequence[Column], cells: Cells, room: int) -> list[int]:
    widths = _whole_widths(columns, cells)
    while room and _wide(widths) > room:
        widest = max(
            (
                number
                for number, column in enumerate(columns)
                if not column.is_number and not column.is_whole
            ),
            key=lambda number: widths[number],
            default=None,
        )
        if widest is None or widths[widest] <= _SMALLEST_COLUMN:
            break
        widths[widest] -= 1
    return widths


def _whole_widths(columns: Sequence[Column], cells: Cells) -> list[int]:
    return [
        max([cell_len(column.name), *(cell_len(texts[number]) for texts in cells)])
        for number, column in enumerate(columns)
    ]


def _wide(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)


def _line(texts: Sequence[str], columns: Sequence[Column], widths: Sequence[int]) -> Text:
    line = Text()
    for number, (text, column, width) in enumerate(zip(texts, columns, widths, strict=True)):
        cell = Text(text)
        if not column.is_prose:
            cell.truncate(width, overflow="ellipsis")
        gap = " " * max(width - cell.cell_len, 0)
        between = " " * _GAP if number else ""
        line.append(between + (gap if column.is_number else "")).append_text(cell)
        line.append("" if column.is_number else gap)
    line.rstrip()
    return line
