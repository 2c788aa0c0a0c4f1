"""Text that came from a host made safe for a terminal: no control codes, no progress-bar ghosts."""

from __future__ import annotations

import re

_COLOURS = re.compile(r"\x1b\[[0-9;:]*m")
_OTHER_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_TAB_WIDTH = 8


def plain_text(text: str) -> str:
    """Give the text with colours removed and every other control character made visible.

    What a carriage return overwrote on the host's terminal is left out, as it was there.
    A host could otherwise move the cursor, retitle the window or hide a line of ours.
    """
    if text.isascii() and text.isprintable():
        return text
    lines = _COLOURS.sub("", text.replace("\r\n", "\n")).split("\n")
    return "\n".join(_plain_line(line) for line in lines)


def _plain_line(line: str) -> str:
    seen = line.rstrip("\r").rpartition("\r")[2]
    return _OTHER_CONTROLS.sub(_visible, seen.expandtabs(_TAB_WIDTH))


def _visible(match: re.Match[str]) -> str:
    return ascii(match[0])[1:-1]


def one_line(text: str) -> str:
    """Give the text on one line, for a place where a second line would break the layout."""
    return " ".join(plain_text(text).split())


def tail(text: str, limit_lines: int, limit_characters: int) -> str:
    """Give the end of an output; a first line says how much was left out before it."""
    if len(text) > limit_characters:
        left_out = len(text) - limit_characters
        return f"({left_out} characters before this)\n{text[-limit_characters:]}"
    lines = text.split("\n")
    if len(lines) <= limit_lines + 1:
        return text
    left_out = len(lines) - limit_lines
    return "\n".join([f"({left_out} lines before this)", *lines[-limit_lines:]])


def cut(text: str, limit_characters: int) -> str:
    """Give the start of a long text; the end says how much was left out."""
    if len(text) <= limit_characters:
        return text
    return f"{text[:limit_characters]}... ({len(text) - limit_characters} more characters)"


def encodable(text: str, encoding: str | None) -> str:
    """Give the text with '?' for what the terminal's encoding does not have."""
    if text.isascii() or not encoding:
        return text
    return text.encode(encoding, "replace").decode(encoding)
