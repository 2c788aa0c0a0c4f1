"""Tables of other commands."""

from __future__ import annotations

import io

from herder.display.console import make_console
from herder.display.table import Column, Row, Table, Tone, print_table, table_lines

RELEASES = Table(
    "Releases",
    (Column("host"), Column("release"), Column("seconds", is_number=True)),
    (
        Row(("web1", "20260101", "1.5")),
        Row(("web2", "20251231", "10.0"), Tone.BAD),
        Row(("lb", "none", ""), Tone.NOTICE),
    ),
    ("2 of 3 hosts agree",),
)


def test_columns_line_up_and_marks_say_what_colours_say() -> None:
    """A table has to be read in a log file, too."""
    assert [line.plain for line in table_lines(RELEASES, 0)] == [
        "Releases",
        "  host  release   seconds",
        "  web1  20260101      1.5",
        "! web2  20251231     10.0",
        "* lb    none",
        "2 of 3 hosts agree",
    ]


def test_the_widest_column_gives_way_on_a_narrow_terminal() -> None:
    """A wrapped row would no longer be a row."""
    table = Table("", (Column("name"), Column("n", is_number=True)), (Row(("x" * 60, "12345")),))

    lines = [line.plain for line in table_lines(table, 30)]

    assert lines[1] == "x" * 22 + "…  12345"


def test_what_is_optional_leaves_a_narrow_terminal_before_anything_is_cut() -> None:
    """A date without its day says less than one column less."""
    table = Table(
        "",
        (
            Column("started", is_whole=True),
            Column("playbook"),
            Column("hosts", is_number=True, is_optional=True),
            Column("by", is_optional=True),
        ),
        (Row(("2026-11-28 02:01", "deploy-everything.yml", "3", "alice")),),
    )

    def at(width: int) -> str:
        return table_lines(table, width)[1].plain

    assert at(60) == at(0) == "2026-11-28 02:01  deploy-everything.yml      3  alice"
    assert at(52) == "2026-11-28 02:01  deploy-everything.y…      3  alice"
    assert at(45) == "2026-11-28 02:01  deploy-everything.y…      3"
    assert at(39) == "2026-11-28 02:01  deploy-everything.yml"
    assert at(30) == "2026-11-28 02:01  deploy-ever…"


def test_prose_goes_on_below_its_column_and_is_not_cut() -> None:
    """The end of a failure's message is where it says what was wrong."""
    columns = (Column("host"), Column("state"), Column("", is_prose=True))
    text = "Deployment failed in task Ask the site: status 503, expected 200"
    table = Table("", columns, (Row(("web1", "taken back", text), Tone.NOTICE),))

    assert [line.plain for line in table_lines(table, 40)] == [
        "  host  state",
        "* web1  taken back  Deployment failed in",
        " " * 20 + "task Ask the site:",
        " " * 20 + "status 503, expected",
        " " * 20 + "200",
    ]


def test_title_and_notes_are_broken_between_words_on_a_terminal() -> None:
    """A terminal breaks anywhere."""
    table = Table(
        "Plan: nothing was changed",
        (Column("a"),),
        (),
        ("why: it differs", "do: mend it and run again"),
    )

    assert [line.plain for line in table_lines(table, 20)] == [
        "Plan: nothing was",
        "changed",
        "a",
        "why: it differs",
        "do: mend it and run",
        "again",
    ]


def test_without_a_terminal_nothing_is_cut_or_coloured() -> None:
    """What a script reads must be whole."""
    stream = io.StringIO()
    table = Table("T", (Column("name"),), (Row(("x" * 300,), Tone.GOOD),))

    print_table(make_console(stream, {}), table)

    assert stream.getvalue() == "T\nname\n" + "x" * 300 + "\n"


def test_an_empty_table_has_its_heading() -> None:
    """No rows is an answer, too."""
    table = Table("Runs", (Column("id"),), ())

    assert [line.plain for line in table_lines(table, 80)] == ["Runs", "id"]
