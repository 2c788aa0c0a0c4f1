"""The last tables of the cloud's demo: sums that are right, and lines that fit a terminal."""

from __future__ import annotations

from herder.cli.demo_cloud_tables import Chapter, Way, chapter_table, way_table
from herder.display.table import Tone, table_lines
from herder.lab.scaling import Step

_STEPS = (
    Step("aws.yml", "two created", 10.0),
    Step("playbook.yml", "provisioned", 20.0),
    Step("catch-up.yml", "have the release", 5.5),
)


def test_way_is_the_sum_of_its_steps() -> None:
    """What an image is worth is read from these numbers."""
    (row,) = way_table([Way("two", _STEPS)]).rows

    assert row.cells == ("two", "10.0 s", "20.0 s", "5.5 s", "35.5 s")


def test_last_row_sums_all_chapters_up() -> None:
    """A failed request anywhere must be seen in the last line."""
    table = chapter_table([Chapter("up", 2.0, None, 0), Chapter("deploy", 3.5, 40, 1)])

    assert table.rows[0].cells == ("up", "2.0", "", "")
    assert table.rows[-1].cells == ("all", "5.5", "40", "1")
    assert table.rows[-1].tone is Tone.BAD


def test_tables_fit_eighty_columns() -> None:
    """A terminal that wraps them makes them unreadable."""
    tables = (way_table([Way("two, without an image", _STEPS)]), chapter_table([]))

    assert all(len(line.plain) <= 80 for table in tables for line in table_lines(table, 0))
