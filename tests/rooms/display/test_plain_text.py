"""Host text made safe for a terminal."""

from __future__ import annotations

import pytest

from herder.display.plain_text import cut, encodable, one_line, plain_text, tail


@pytest.mark.parametrize(
    ("seen", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("two\r\nlines", "two\nlines"),
        (" 10%\r100%", "100%"),
        ("bell\x07", "bell\\x07"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("up\x1b[2A", "up\\x1b[2A"),
        ("a\tb", "a       b"),
        ("right\u202eleft", "right\\u202eleft"),
        ("grün", "grün"),
    ],
)
def test_control_characters_become_visible(seen: str, shown: str) -> None:
    """A host must not move the cursor, hide a line or retitle the operator's window."""
    assert plain_text(seen) == shown


def test_one_line_joins_what_had_several() -> None:
    """A task name with a line break would break the layout."""
    assert one_line("first\n   second") == "first second"


def test_tail_keeps_the_end_and_says_what_is_missing() -> None:
    """The end of an output has the reason; nobody should take it for the whole."""
    text = "\n".join(map(str, range(30)))

    assert tail(text, 3, 1000) == "(27 lines before this)\n27\n28\n29"
    assert tail("x" * 50, 3, 10) == "(40 characters before this)\n" + "x" * 10


def test_tail_does_not_hide_a_single_line() -> None:
    """A line that says one line is missing takes the room of that line."""
    assert tail("1\n2\n3\n4", 3, 1000) == "1\n2\n3\n4"


def test_cut_keeps_the_start() -> None:
    """A long value is recognised by its start."""
    assert cut("abcdef", 4) == "abcd... (2 more characters)"


def test_what_the_terminal_cannot_show_is_replaced() -> None:
    """A line with an umlaut must not be lost on an ASCII terminal."""
    assert encodable("grün ─", "ascii") == "gr?n ?"
