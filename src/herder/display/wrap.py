"""A styled line folded at a width, its further lines indented below the first."""

from __future__ import annotations

from rich.cells import cell_len, get_character_cell_size
from rich.text import Text

_SMALLEST_BODY = 10


def wrap_cells(line: Text, width: int, indent: int) -> list[Text]:
    """Give the line in pieces of at most `width` cells, broken at spaces where there are any."""
    if line.cell_len <= width:
        return [line]
    indent = min(indent, max(width - _SMALLEST_BODY, 0))
    first, *rest = line.divide(_break_offsets(line.plain, width, indent))
    for piece in (first, *rest):
        piece.rstrip()
    return [first, *(Text(" " * indent).append_text(piece) for piece in rest)]


def _break_offsets(text: str, width: int, indent: int) -> list[int]:
    offsets = []
    start, room = 0, width
    while cell_len(text[start:]) > room:
        end = _piece_end(text, start, room, keep=indent if start == 0 else 0)
        offsets.append(end)
        start, room = end, width - indent
    return offsets


def _piece_end(text: str, start: int, room: int, *, keep: int) -> int:
    """Give where the piece from `start` ends; the first `keep` characters hold no break."""
    end, used = start, 0
    while end < len(text) and used + get_character_cell_size(text[end]) <= room:
        used += get_character_cell_size(text[end])
        end += 1
    end = max(end, start + 1)
    if end < len(text) and text[end] == " ":
        return end + 1
    space = text.rfind(" ", start + keep, end)
    # A break far to the left would leave half a line empty: a long path is cut instead.
    return space + 1 if space >= start + (end - start) // 2 else end
