"""The end of a run: a line of numbers a host, what failed and where, and one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len
from rich.text import Text

from herder.display.duration import duration
from herder.display.host_list import counted, fold_hosts, natural_key, sort_hosts
from herder.display.palette import HEADING, OUTCOME_STYLE, QUIET
from herder.display.plain_text import one_line
from herder.display.prose import BODY_INDENT, Page, headed
from herder.display.wrap import wrap_cells
from herder.events import HostTotals, Outcome, TaskLabel

FOLD_ABOVE_HOSTS = 20
HOSTS_WIDTH_MAX = 60

_COLUMNS: tuple[tuple[str, str, bool], ...] = (
    ("ok", OUTCOME_STYLE[Outcome.OK], True),
    ("changed", OUTCOME_STYLE[Outcome.CHANGED], True),
    ("unreachable", OUTCOME_STYLE[Outcome.UNREACHABLE], True),
    ("failed", OUTCOME_STYLE[Outcome.FAILED], True),
    ("skipped", OUTCOME_STYLE[Outcome.SKIPPED], False),
    ("rescued", OUTCOME_STYLE[Outcome.OK], False),
    ("ignored", OUTCOME_STYLE[Outcome.IGNORED], False),
)
"""Name as ansible has it, style of a number above 0, whether it stands there when all are 0."""


@dataclass(frozen=True, slots=True)
class LostHost:
    """A host that did not get through, and where it stopped."""

    host: str
    outcome: Outcome
    task: TaskLabel


@dataclass(frozen=True, slots=True)
class Recap:
    """All that is known at the end."""

    totals: tuple[HostTotals, ...]
    lost: tuple[LostHost, ...]
    tasks: int
    seconds: float


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
        _draw_summary(recap, page),
    ]


def _draw_table(totals: Sequence[HostTotals], page: Page) -> list[Text]:
    rows = _rows(totals)
    columns = [
        column
        for column in _COLUMNS
        if column[2] or any(getattr(row.numbers, column[0]) for row in rows)
    ]
    numbers_width = sum(len(name) + 2 for name, _, _ in columns)
    room = max(min(page.width - numbers_width, HOSTS_WIDTH_MAX), 12)
    names = [fold_hosts(row.hosts, room) for row in rows]
    host_width = min(max((cell_len(name) for name in names), default=0), room)
    host_width = max(host_width, len("RECAP"))
    head = Text(f"{'RECAP':<{host_width}}", style=HEADING)
    for name, _, _ in columns:
        head.append(f"  {name}", style=QUIET)
    lines = [head]
    for name, row in zip(names, rows, strict=True):
        line = Text(name, style=_host_style(row.numbers))
        line.truncate(host_width, overflow="ellipsis")
        line.pad_right(host_width - line.cell_len)
        for column, style, _ in columns:
            number = getattr(row.numbers, column)
            line.append(f"  {number:>{len(column)}}", style=style if number else QUIET)
        lines.append(line)
    return lines


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
        key = (lost.outcome, one_line(lost.task.name), lost.task.path)
        groups.setdefault(key, []).append(lost.host)
    lines = [Text()] if groups else []
    for (outcome, name, path), hosts in groups.items():
        line = headed(outcome.value, OUTCOME_STYLE[outcome])
        line.append(", ".join(sort_hosts(hosts)), style=HEADING)
        line.append(f" at {name}")
        line.append(f" ({path})" if path else "", style=QUIET)
        lines += wrap_cells(line, page.width, BODY_INDENT)
    names = ",".join(sort_hosts(lost.host for lost in recap.lost))
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
    line = Text(f"{counted(len(recap.totals), 'host')}: ", style=OUTCOME_STYLE[outcome])
    line.append(", ".join(parts) or "nothing was done")
    tail = f" {page.signs.dot} {counted(recap.tasks, 'task')} in {duration(recap.seconds)}"
    return line.append(tail, style=QUIET)
