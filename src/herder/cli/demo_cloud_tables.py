"""The last tables of `herder demo --cloud`: what each chapter took, and the way of new servers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from herder.display.table import Column, Row, Table, Tone
from herder.lab.scaling import CATCH_UP, CREATE, PROVISION, Step

_RELEASE = ("deploy.yml", CATCH_UP)


@dataclass(frozen=True, slots=True)
class Chapter:
    """What a chapter took; `requests` is None where nobody asked."""

    what: str
    seconds: float
    requests: int | None
    failures: int


@dataclass(frozen=True, slots=True)
class Way:
    """The way of new servers from "create" to "serving"."""

    what: str
    steps: tuple[Step, ...]

    def seconds(self, *playbooks: str) -> float:
        return sum(step.seconds for step in self.steps if step.playbook in playbooks)


def chapter_table(chapters: Sequence[Chapter]) -> Table:
    """Give the table of all chapters, with their sums."""
    columns = (
        Column("chapter"),
        Column("seconds", is_number=True),
        Column("requests", is_number=True),
        Column("failed", is_number=True),
    )
    everything = Chapter(
        "all",
        sum(chapter.seconds for chapter in chapters),
        sum(chapter.requests or 0 for chapter in chapters),
        sum(chapter.failures for chapter in chapters),
    )
    rows = tuple(_chapter_row(chapter) for chapter in (*chapters, everything))
    return Table("", columns, rows)


def way_table(ways: Iterable[Way]) -> Table:
    """Give the seconds of each part of the way, a row a way."""
    columns = (
        Column("from create to serving"),
        *(Column(name, is_number=True) for name in ("create", "provision", "release", "sum")),
    )
    rows = tuple(Row((way.what, *(f"{seconds:.1f} s" for seconds in _parts(way)))) for way in ways)
    return Table("", columns, rows, ("At AWS an image saves the download of packages, too.",))


def _parts(way: Way) -> tuple[float, ...]:
    parts = (way.seconds(CREATE), way.seconds(PROVISION), way.seconds(*_RELEASE))
    return (*parts, sum(parts))


def _chapter_row(chapter: Chapter) -> Row:
    asked = chapter.requests is not None
    cells = (
        chapter.what,
        f"{chapter.seconds:.1f}",
        str(chapter.requests) if asked else "",
        str(chapter.failures) if asked else "",
    )
    return Row(cells, Tone.BAD if chapter.failures else Tone.PLAIN)
