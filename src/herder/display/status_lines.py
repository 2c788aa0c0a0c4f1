"""The live lines at the bottom: play, task, how far the hosts are, whom everybody waits for."""

from __future__ import annotations

from rich.cells import cell_len
from rich.text import Text

from herder.display.duration import stopwatch
from herder.display.host_list import counted
from herder.display.palette import HEADING, OUTCOME_STYLE, QUIET
from herder.display.plain_text import one_line
from herder.display.progress import Running, RunProgress, TaskTally
from herder.display.prose import Page
from herder.events import Outcome
from herder.model.host_order import natural_key

WAITED_SECONDS = 1.0
ROWS_MAX = 6

_COUNTED = (Outcome.CHANGED, Outcome.FAILED, Outcome.UNREACHABLE, Outcome.IGNORED)
_BAR_ORDER = (
    Outcome.OK,
    Outcome.SKIPPED,
    Outcome.CHANGED,
    Outcome.IGNORED,
    Outcome.FAILED,
    Outcome.UNREACHABLE,
)


def draw_status(progress: RunProgress, now: float, page: Page, rows_max: int) -> list[Text]:
    """Give at most `rows_max` lines, none wider than the page."""
    lines = [_play_line(progress, now, page)]
    tally = progress.current_task()
    if tally is not None:
        lines += [_task_line(progress, tally, now, page), _count_line(tally, page)]
    lines += _waiting_lines(progress, now, page, min(ROWS_MAX, rows_max - len(lines)))
    return lines[: max(rows_max, 1)]


def _play_line(progress: RunProgress, now: float, page: Page) -> Text:
    right = Text()
    for hosts, word, outcome in (
        (progress.changed_hosts, "changed", Outcome.CHANGED),
        (progress.lost_hosts, "failed", Outcome.FAILED),
    ):
        if hosts:
            right.append(f"{counted(len(hosts), 'host')} {word}", style=OUTCOME_STYLE[outcome])
            right.append(f" {page.signs.rule * 2} ", style=QUIET)
    right.append(stopwatch(now - progress.started), style=HEADING)
    right.append(f" {page.signs.rule * 2}", style=QUIET)
    name = one_line(progress.play.name) if progress.play else ""
    left = Text.assemble((f"{page.signs.rule * 2} ", QUIET)).append(name, style=HEADING)
    return _spread(left, right, page, fill=page.signs.rule)


def _task_line(progress: RunProgress, tally: TaskTally, now: float, page: Page) -> Text:
    left = Text("   ").append(one_line(tally.task.name), style=HEADING)
    if tally.task.is_handler:
        left.append("  handler", style=QUIET)
    at_once = progress.tasks_in_progress()
    others = f"and {counted(at_once - 1, 'other task')} at once  " if at_once > 1 else ""
    right = Text(f"{others}task {tally.number}  {stopwatch(now - tally.started)}", style=QUIET)
    return _spread(left, right, page, fill=" ")


def _count_line(tally: TaskTally, page: Page) -> Text:
    expected = tally.done + tally.running + tally.waiting
    counts = Text(f"  {tally.done} of {expected} done")
    if tally.running:
        counts.append(f", {tally.running} running", style=HEADING)
    for outcome in _COUNTED:
        if number := tally.outcomes[outcome]:
            counts.append(f", {number} {outcome.value}", style=OUTCOME_STYLE[outcome])
    width = max(min(page.edge - counts.cell_len - 4, 60), 8)
    line = Text("   ").append_text(_bar(tally, expected, width, page)).append_text(counts)
    line.truncate(page.width, overflow="ellipsis")
    return line


def _bar(tally: TaskTally, expected: int, width: int, page: Page) -> Text:
    bar = Text()
    done = 0
    for outcome in _BAR_ORDER:
        done += tally.outcomes[outcome]
        upto = width * done // max(expected, 1)
        bar.append(page.signs.bar * (upto - len(bar)), style=OUTCOME_STYLE[outcome])
    return bar.append(page.signs.bar_rest * (width - len(bar)), style=QUIET)


def _waiting_lines(progress: RunProgress, now: float, page: Page, rows_max: int) -> list[Text]:
    slow = [each for each in progress.slowest() if now - each.since >= WAITED_SECONDS]
    if not slow or rows_max < 1:
        return []
    slow.sort(key=lambda each: (-int(now - each.since), natural_key(each.host)))
    if len({each.task.id for each in slow}) > 1 or any(each.note for each in slow):
        return _waiting_rows(slow, now, page, rows_max)
    return [_waiting_line(slow, now, page)]


def _waiting_line(slow: list[Running], now: float, page: Page) -> Text:
    line = Text.assemble(("   waiting for ", QUIET))
    for number, each in enumerate(slow):
        rest = f" (+{len(slow) - number})"
        text = f"{each.host} {stopwatch(now - each.since)}"
        gap = "" if number == 0 else "  "
        if number and line.cell_len + cell_len(gap + text + rest) > page.width:
            return line.append(rest, style=QUIET)
        line.append(gap).append(each.host, style=HEADING)
        line.append(f" {stopwatch(now - each.since)}", style="")
    line.truncate(page.width, overflow="ellipsis")
    return line


def _waiting_rows(slow: list[Running], now: float, page: Page, rows_max: int) -> list[Text]:
    shown = slow if len(slow) <= rows_max else slow[: max(rows_max - 1, 1)]
    host_width = max(cell_len(each.host) for each in shown)
    lines = []
    for each in shown:
        line = Text("   ").append(f"{stopwatch(now - each.since):>7}  ")
        line.append(f"{each.host:<{host_width}}  ", style=HEADING)
        line.append(each.note, style=OUTCOME_STYLE[Outcome.CHANGED])
        if len({each.task.id for each in shown}) > 1:
            line.append(f"{', ' if each.note else ''}{one_line(each.task.name)}", style=QUIET)
        line.truncate(page.width, overflow="ellipsis")
        lines.append(line)
    if len(shown) < len(slow) and rows_max > len(shown):
        rest = counted(len(slow) - len(shown), "more host")
        lines.append(Text(f"{'':12}{rest}", style=QUIET))
    return lines


def _spread(left: Text, right: Text, page: Page, *, fill: str) -> Text:
    room = page.edge - right.cell_len - 2
    left.truncate(max(room, 8), overflow="ellipsis")
    gap = max(page.edge - left.cell_len - right.cell_len - 2, 0)
    return left.append(" ").append(fill * gap, style=QUIET).append(" ").append_text(right)
