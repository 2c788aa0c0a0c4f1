"""Live rows at the bottom of a terminal."""

from __future__ import annotations

import random

from rich.console import Console
from rich.text import Text

from herder.display.region import Region
from tests.support.screen import Screen


class _GoneScreen(Screen):
    """Raises as a terminal does whose window was closed."""

    def write(self, text: str) -> int:
        raise OSError(5, "Input/output error")


def region_on(screen: Screen) -> Region:
    return Region(
        Console(file=screen, force_terminal=True, width=screen.width, height=screen.height)
    )


def texts(*lines: str) -> list[Text]:
    return [Text(line) for line in lines]


def test_lines_scroll_away_above_the_live_ones() -> None:
    """What happened stays; what is happening stands below it, once."""
    screen = Screen()
    region = region_on(screen)

    region.paint(texts("first"), texts("live 1", "more"))
    region.paint(texts("second"), texts("live 2"))

    assert screen.text() == "first\nsecond\nlive 2"
    assert not screen.is_cursor_shown


def test_nothing_is_written_when_nothing_changed() -> None:
    """Ten paints a second over a slow line should cost nothing while everybody waits."""
    screen = Screen()
    region = region_on(screen)
    region.paint((), texts("live"))
    before = screen.writes

    region.paint((), texts("live"))

    assert screen.writes == before


def test_taking_it_down_leaves_a_clean_terminal() -> None:
    """After Ctrl-C the shell's prompt stands where the live rows were, with a cursor."""
    screen = Screen()
    region = region_on(screen)
    region.paint(texts("kept"), texts("live 1", "live 2"))

    region.take_down()

    assert screen.text() == "kept"
    assert screen.is_cursor_shown


def test_no_line_is_ever_lost() -> None:
    """Whatever comes in whatever order, the scroll-back has all of it and no ghost of a row."""
    chance = random.Random(7)
    screen = Screen(width=40, height=12)
    region = region_on(screen)
    expected = []
    for number in range(400):
        above = [f"line {number}.{part}" for part in range(chance.randrange(4))]
        if chance.random() < 0.1:
            above.append(f"long {number} " + "x" * 60)
        if chance.random() < 0.1:
            region.take_down()
        region.paint(texts(*above), texts(*["live"] * chance.randrange(6)))
        expected += above

    region.take_down()

    wrapped = [part for line in expected for part in (line[:40], line[40:]) if part]
    assert screen.text().split("\n") == wrapped


def test_rows_folded_by_a_narrower_terminal_are_erased_too() -> None:
    """A terminal that got narrower folds the live rows into more rows than we wrote."""
    screen = Screen(width=40)
    console = Console(file=screen, force_terminal=True, width=40, height=24)
    region = Region(console)
    region.paint(texts("kept"), texts("y" * 35, "z"))
    screen.rows[1:3] = ["y" * 20, "y" * 15, "z"]
    screen._row = 4

    console.width = 20
    region.paint((), texts("narrow"))

    assert screen.text() == "kept\nnarrow"


def test_without_a_terminal_only_what_happened_is_written() -> None:
    """`--output live` into a file gives a log, not escape codes."""
    screen = Screen()
    region = Region(Console(file=screen, force_terminal=False, width=80))

    region.paint(texts("first"), texts("live"))
    region.take_down()

    assert screen.text() == "first"


def test_a_terminal_that_went_away_does_not_end_the_run() -> None:
    """A closed window must not stop a deployment half-way."""
    screen = _GoneScreen()
    region = region_on(screen)

    region.paint(texts("first"), texts("live"))
    region.take_down()

    assert screen.text() == ""
