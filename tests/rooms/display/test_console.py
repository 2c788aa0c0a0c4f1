"""The console with the colours that were asked for."""

from __future__ import annotations

import pytest

from herder.display.console import make_console
from herder.display.table import Tone, print_line
from tests.support.screen import Screen


class _Raw(Screen):
    """Keeps what was written, with its escape codes."""

    raw = ""

    def write(self, text: str) -> int:
        self.raw += text
        return super().write(text)


@pytest.mark.parametrize(
    ("variables", "has_colours"),
    [
        ({}, True),
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": ""}, True),
        ({"ANSIBLE_NOCOLOR": "true"}, False),
        ({"ANSIBLE_NOCOLOR": "False"}, True),
    ],
)
def test_colours_are_left_out_when_asked(variables: dict[str, str], has_colours: bool) -> None:  # noqa: FBT001  # a column of the table above
    """NO_COLOR is a promise to people who cannot read colours."""
    screen = _Raw()
    console = make_console(screen, {"TERM": "xterm-256color", **variables})

    print_line(console, "good", Tone.GOOD)

    assert ("\x1b[32m" in screen.raw) is has_colours
    assert screen.text() == "good"
