"""The end of a run: a line of numbers a host, what failed and where, and one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len
from rich.text import Text

from herder.display.duration import duration
from herder.display.host_list import counted, fold_hosts
from herder.display.palette import HEADING, OUTCOME_STYLE, QUIET
from herder.display.plain_text import one_line
from herder.display.prose import BODY_INDENT, Page, headed
from herder.display.wrap import wrap_cells
from herder.events import HostTotals, Outcome, TaskLabel
from herder.model.host_order import natural_key, sort_hosts

FOLD_ABOVE_HOSTS = 20
HOSTS_WIDTH_MAX = 60
HOSTS_WIDTH_MIN = 12


@dataclass(frozen=True, slots=True)
class LostHost:
    """A host that did not get through, and where it stopped."""

    host: str
    outcome: Outcome
    task: TaskLabel


@dataclass(frozen=True, slots=True)
class Recap:
    """All that is known at the end; a run that `is_transaction` is never for some hosts alone."""

    totals: tuple[HostTotals, ...]
    lost: tuple[LostHost, ...]
    tasks: int
    seconds: float
    is_transaction: bool = False


@dataclass(frozen=True, slots=True)
class _Column:
    """A number of the recap, under the name that ansible has for it."""

    field: str
    heading: str
    outcome: Outcome
    is_always_shown: bool = False

    def number(self, numbers: HostTotals) -> int:
        number: int = getattr(numbers, self.field)
        return number


_COLUMNS = (
    _Column("ok", "ok", Outcome.OK, is_always_shown=True),
    _Column("changed", "changed", Outcome.CHANGED, is_always_shown=True),
    _Column("unreachable", "unreachable", Outcome.UNREACHABLE, is_always_shown=True),
    _Column("failed", "failed", Outcome.FAILED, is_always_shown=True),
    _Column("skipped", "skipped", Outcome.SKIPPED),
    _Column("rescued", "rescued", Outcome.OK),
    _Column("ignored", "ignored", Outcome.IGNORED),
)


@dataclass(frozen=True, slots=True)
class _Row:
    hosts: tuple[str, ...]
    numbers: HostTotals


def draw_recap(recap: Recap, page: Page) -> list[Text]:
    """Give the table, the lost hosts and the summary."""
    return [
        Text(),
        *_draw_table(recap.totals, page),
        *_draw_lost(recap, page),
        *wrap_cells(_draw_summary(recap, page), page.width, 0),
    ]


def _draw_table(totals: Sequence[HostTotals], page: Page) -> list[Text]:
    rows = _rows(totals)
    columns = _columns(rows, page.width)
    room = page.width - sum(len(column.heading) + 2 for column in columns)
    room = max(min(room, HOSTS_WIDTH_MAX), HOSTS_WIDTH_MIN)
    names = [fold_hosts(row.hosts, room) for row in rows]
    host_width = max(min(max(map(cell_len, names), default=0), room), len("RECAP"))
    head = Text.assemble((f"{'RECAP':<{host_width}}", HEADING))
    for column in columns:
        head.append(f"  {column.heading}", style=QUIET)
    return [
        head,
        *(
            _draw_row(name, row.numbers, columns, host_width)
            for name, row in zip(names, rows, strict=True)
        ),
    ]


def _draw_row(name: str, numbers: HostTotals, columns: Sequence[_Column], host_width: int) -> Text:
    line = Text.assemble((name, _host_style(numbers)))
    line.truncate(host_width, overflow="ellipsis")
    line.pad_right(host_width - line.cell_len)
    for column in columns:
        number = column.number(numbers)
        style = OUTCOME_STYLE[column.outcome] if number else QUIET
        line.append(f"  {number:>{len(column.heading)}}", style=style)
    return line


def _columns(rows: Sequence[_Row], width: int) -> list[_Column]:
    """Give the columns to show; with short headings where a terminal is too narrow for words."""
    columns = [
        column
        for column in _COLUMNS
        if column.is_always_shown or any(column.number(row.numbers) for row in rows)
    ]
    if sum(len(column.heading) + 2 for column in columns) + HOSTS_WIDTH_MIN <= width:
        return columns
    return [replace(column, heading=column.heading[:3]) for column in columns]


def _rows(totals: Sequence[HostTotals]) -> list[_Row]:
    """Give a row a host, or a row for all that are equal when there are many."""
    ordered = sorted(totals, key=lambda each: natural_key(each.host))
    if len(ordered) <= FOLD_ABOVE_HOSTS:
        return [_Row((each.host,), each) for each in ordered]
    groups: dict[HostTotals, list[str]] = {}
    for each in ordered:
        groups.setdefault(replace(each, host=""), []).append(each.host)
    rows = [_Row(tuple(hosts), numbers) for numbers, hosts in groups.items()]
    return sorted(rows, key=lambda row: (_is_lost(row.numbers), -len(row.hosts)))


def _is_lost(numbers: HostTotals) -> bool:
    return bool(numbers.failed or numbers.unreachable)


def _host_style(numbers: HostTotals) -> str:
    if _is_lost(numbers):
        return OUTCOME_STYLE[Outcome.FAILED]
    return OUTCOME_STYLE[Outcome.CHANGED if numbers.changed else Outcome.OK]


def _draw_lost(recap: Recap, page: Page) -> list[Text]:
    groups: dict[tuple[Outcome, str, str], list[str]] = {}
    for lost in recap.lost:
        key = (lost.outcome, one_line(lost.task.name), page.place(lost.task.path))
        groups.setdefault(key, []).append(lost.host)
    lines = [Text()] if groups else []
    for (outcome, name, path), hosts in groups.items():
        line = headed(outcome.value, OUTCOME_STYLE[outcome])
        line.append(", ".join(sort_hosts(hosts)), style=HEADING)
        line.append(f" at {name}")
        line.append(f" ({path})" if path else "", style=QUIET)
        lines += wrap_cells(line, page.width, BODY_INDENT)
    names = "" if recap.is_transaction else ",".join(sort_hosts(one.host for one in recap.lost))
    if names and cell_len(names) <= page.width - len("try    (only there again)") - BODY_INDENT:
        again = headed("try", QUIET).append(f"--limit {names}", style="cyan")
        lines.append(again.append("  (only there again)", style=QUIET))
    return lines


def _draw_summary(recap: Recap, page: Page) -> Text:
    unreachable = sum(each.unreachable > 0 for each in recap.totals)
    failed = sum(each.failed > 0 and not each.unreachable for each in recap.totals)
    changed = sum(each.changed > 0 and not _is_lost(each) for each in recap.totals)
    quiet = len(recap.totals) - unreachable - failed - changed
    parts = [
        f"{number} {word}"
        for number, word in (
            (changed, "changed"),
            (quiet, "without change"),
            (failed, "failed"),
            (unreachable, "unreachable"),
        )
        if number
    ]
    outcome = Outcome.FAILED if failed or unreachable else Outcome.OK
    line = Text.assemble((f"{counted(len(recap.totals), 'host')}: ", OUTCOME_STYLE[outcome]))
    line.append(", ".join(parts) or "nothing was done")
    tail = f" {page.signs.dot} {counted(recap.tasks, 'task')} in {duration(recap.seconds)}"
    return line.append(tail, style=QUIET)
