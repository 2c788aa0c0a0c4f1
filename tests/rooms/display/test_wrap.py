"""Lines folded at a width."""

from __future__ import annotations

import pytest
from rich.text import Text

from herder.display.wrap import wrap_cells


@pytest.mark.parametrize("width", [12, 17, 30, 79])
@pytest.mark.parametrize(
    "text",
    [
        "      the quick brown fox jumps over the lazy dog",
        "      /a/very/long/path/without/any/space/in/it/at/all",
        "      漢字 are two cells wide 漢字漢字漢字漢字漢字漢字漢字",
    ],
)
def test_no_piece_is_wider_and_no_word_is_lost(text: str, width: int) -> None:
    """A piece too wide would break the layout, a lost character could be the reason sought."""
    pieces = wrap_cells(Text(text), width, 6)

    assert all(piece.cell_len <= width for piece in pieces)
    assert "".join(piece.plain for piece in pieces).replace(" ", "") == text.replace(" ", "")


def test_further_lines_stand_below_the_text() -> None:
    """The label's column stays free, so that the eye finds the next label."""
    pieces = wrap_cells(Text("msg   one two three four five"), 16, 6)

    assert [piece.plain for piece in pieces] == ["msg   one two", "      three four", "      five"]
