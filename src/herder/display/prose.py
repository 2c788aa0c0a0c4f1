"""Paragraphs drawn as lines of styled text for a given width.

A word in the first column says what happened (changed, failed, ...), the text stands beside it,
seconds and hosts at the right edge. What is longer than a line goes on below itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from herder.display.duration import duration
from herder.display.host_list import counted, fold_hosts
from herder.display.palette import (
    HEADING,
    MESSAGE_STYLE,
    OUTCOME_STYLE,
    QUIET,
    UNICODE,
    Signs,
)
from herder.display.paragraphs import (
    DiffShown,
    FailureRepeated,
    FailureShown,
    HostGroup,
    MessageLine,
    Paragraph,
    PlayHeading,
    QuietTasks,
    ResultShown,
    TaskChanged,
)
from herder.display.plain_text import one_line
from herder.display.result_fields import Field
from herder.display.wrap import wrap_cells
from herder.events import MessageKind, Outcome

WORD_WIDTH = 9
EDGE_MAX = 120
BODY_INDENT = WORD_WIDTH + 2
_MARGIN = " " * BODY_INDENT

_MESSAGE_WORD = {
    MessageKind.NOTE: "",
    MessageKind.VERBOSE: "",
    MessageKind.WARNING: "warning",
    MessageKind.DEPRECATION: "deprecated",
    MessageKind.ERROR: "error",
}


@dataclass(frozen=True, slots=True)
class Page:
    """What the text is drawn on.

    Long text may use all of `width`; what stands at a right edge stands at `edge`, where the eye
    still finds the line it belongs to.
    """

    width: int
    signs: Signs = UNICODE
    directory: str = ""

    def place(self, path: str) -> str:
        """Give a path as one would type it here."""
        return path.removeprefix(f"{self.directory}/") if self.directory else path

    @property
    def edge(self) -> int:
        return min(self.width, EDGE_MAX)

    @property
    def body_width(self) -> int:
        return max(self.width - BODY_INDENT, 20)


def draw(paragraph: Paragraph, page: Page) -> list[Text]:
    """Give the lines of a paragraph, none wider than the page."""
    if isinstance(paragraph, TaskChanged):
        return _draw_changed(paragraph, page)
    if isinstance(paragraph, QuietTasks):
        return [_draw_quiet(paragraph, page)]
    if isinstance(paragraph, FailureShown):
        return _draw_failure(paragraph, page)
    if isinstance(paragraph, FailureRepeated):
        return _draw_repeated(paragraph, page)
    return _draw_rarer(paragraph, page)


def _draw_rarer(
    paragraph: PlayHeading | ResultShown | DiffShown | MessageLine, page: Page
) -> list[Text]:
    if isinstance(paragraph, PlayHeading):
        return _draw_play(paragraph, page)
    if isinstance(paragraph, ResultShown):
        return _draw_result(paragraph, page)
    if isinstance(paragraph, DiffShown):
        return _draw_diff(paragraph, page)
    return _draw_message(paragraph, page)


def _draw_play(play: PlayHeading, page: Page) -> list[Text]:
    batch = f"batch {play.batch} of {play.batches}: " if play.batches > 1 else ""
    names = ", ".join(play.hosts)
    fits = cell_len(names) <= page.edge // 3
    right = batch + (names if fits else counted(len(play.hosts), "host"))
    check = " (check mode, nothing is changed)" if play.check_mode else ""
    line = Text.assemble(("PLAY ", QUIET))
    line.append(one_line(play.name) or "without a name", style=HEADING)
    line.append(check, style="yellow")
    room = page.edge - cell_len(right) - 2
    line.truncate(max(room, 10), overflow="ellipsis")
    line.append(" " + page.signs.rule * (room - line.cell_len) + " ", style=QUIET)
    line.append(right, style=QUIET)
    return [Text(), line]


def _draw_quiet(quiet: QuietTasks, page: Page) -> Text:
    parts = [one_line(quiet.name)] if quiet.name else _quiet_counts(quiet)
    word = "ok" if quiet.ok else "skipped"
    style = OUTCOME_STYLE[Outcome.OK if quiet.ok else Outcome.SKIPPED]
    line = headed(word, style).append(", ".join(parts), style=QUIET)
    return _with_right(line, Text(duration(quiet.seconds), style=QUIET), page)


def _quiet_counts(quiet: QuietTasks) -> list[str]:
    parts = []
    if quiet.ok:
        parts.append(f"{counted(quiet.ok, 'task')} without change")
    if quiet.skipped:
        parts.append(f"{counted(quiet.skipped, 'task')} skipped")
    return parts


def _draw_changed(changed: TaskChanged, page: Page) -> list[Text]:
    name = one_line(changed.task.name)
    line = headed("changed", OUTCOME_STYLE[Outcome.CHANGED]).append(name)
    seconds = Text.assemble((duration(changed.seconds), QUIET))
    if len(changed.groups) > 1 or changed.groups[0].items:
        first = _with_right(line, seconds, page)
        return [first, *_group_lines(changed.groups, page)]
    hosts = changed.groups[0].hosts
    room = page.edge - line.cell_len - seconds.cell_len - 4
    text = _hosts_text(hosts, max(room, 12), is_all=changed.is_everywhere)
    if cell_len(text) <= room:
        right = (
            Text.assemble((text, OUTCOME_STYLE[Outcome.CHANGED])).append("  ").append_text(seconds)
        )
        return [_with_right(line, right, page)]
    return [_with_right(line, seconds, page), *_group_lines(changed.groups, page)]


def _group_lines(groups: tuple[HostGroup, ...], page: Page) -> list[Text]:
    lines = []
    for group in groups:
        items = f": {', '.join(group.items)}" if group.items else ""
        hosts_width = page.body_width if not items else page.body_width // 2
        line = Text(_MARGIN).append(
            fold_hosts(group.hosts, hosts_width), style=OUTCOME_STYLE[Outcome.CHANGED]
        )
        lines += _wrapped(line.append(items, style=QUIET), page)
    return lines


def _hosts_text(hosts: tuple[str, ...], width: int, *, is_all: bool) -> str:
    text = fold_hosts(hosts, width)
    if is_all and len(hosts) > 2 and "(+" in text:
        return f"all {len(hosts)} hosts"
    return text


def _draw_result(result: ResultShown, page: Page) -> list[Text]:
    style = OUTCOME_STYLE[result.outcome]
    line = headed(result.outcome.value, style).append(one_line(result.task.name))
    room = max(page.edge - line.cell_len - 12, 16)
    right = Text.assemble((fold_hosts(result.hosts, room), style))
    right.append("  ").append(duration(result.seconds), style=QUIET)
    return [_with_right(line, right, page), *_field_lines(result.fields, page)]


def _draw_diff(diff: DiffShown, page: Page) -> list[Text]:
    hosts = fold_hosts(diff.hosts, page.body_width - 6)
    lines = [Text(_MARGIN).append(f"diff on {hosts}", style=QUIET)]
    for text in diff.text.strip("\n").split("\n"):
        lines += _wrapped(Text(_MARGIN).append(text, style=_diff_style(text)), page)
    return lines


def _diff_style(line: str) -> str:
    if line.startswith(("---", "+++")):
        return "bold"
    return {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")


def _draw_failure(failure: FailureShown, page: Page) -> list[Text]:
    style = OUTCOME_STYLE[failure.outcome]
    line = headed(failure.outcome.value, style)
    line.append(failure.host, style=style)
    if failure.item:
        line.append(f" (item {failure.item})", style=style)
    line.append(f" {page.signs.dot} ", style=QUIET).append(one_line(failure.task.name))
    where = f"{page.place(failure.task.path)}  ({failure.task.action})" if failure.task.path else ""
    fields = (
        *((Field("at", where),) if where else ()),
        *failure.fields,
        *((Field("try", failure.advice),) if failure.advice else ()),
    )
    return [*_wrapped(line, page), *_field_lines(fields, page)]


def _draw_repeated(repeated: FailureRepeated, page: Page) -> list[Text]:
    style = OUTCOME_STYLE[repeated.outcome]
    line = headed(repeated.outcome.value, style)
    line.append(", ".join(repeated.hosts), style=style)
    line.append(f" {page.signs.dot} {one_line(repeated.task.name)}, just as {repeated.first}")
    return _wrapped(line, page)


def _draw_message(message: MessageLine, page: Page) -> list[Text]:
    style = MESSAGE_STYLE[message.kind]
    word = _MESSAGE_WORD[message.kind]
    hosts = f" ({fold_hosts(message.hosts, page.edge // 3)})" if message.hosts else ""
    text = message.text + hosts
    if not word:
        return [part for line in text.split("\n") for part in _wrapped(Text(line, style), page)]
    first, *rest = text.split("\n")
    lines = _wrapped(headed(word, style).append(first), page)
    for line in rest:
        lines += _wrapped(Text(_MARGIN).append(line), page)
    return lines


def _field_lines(fields: Iterable[Field], page: Page) -> list[Text]:
    shown = [field for field in fields if field.text]
    label_width = max((cell_len(field.name) for field in shown), default=0)
    label_width = min(label_width + 2, 16) if label_width else 0
    lines = []
    for field in shown:
        texts = field.text.split("\n")
        for number, text in enumerate(texts):
            label = field.name if number == 0 else ""
            line = Text(_MARGIN).append(f"{label:<{label_width}}", style=QUIET)
            style = "bold" if field.name == "msg" else "cyan" if field.name == "try" else ""
            lines += _wrapped(line.append(text, style=style), page, BODY_INDENT + label_width)
    return lines


def headed(word: str, style: str) -> Text:
    return Text.assemble((f"{word:>{WORD_WIDTH}}", style), "  ")


def _with_right(line: Text, right: Text, page: Page) -> Text:
    """Put `right` at the right edge; a left part that is too long gives way."""
    room = page.edge - right.cell_len - 2
    if line.cell_len > room:
        line.truncate(max(room, 20), overflow="ellipsis")
    gap = max(page.edge - line.cell_len - right.cell_len, 2)
    return line.append(" " * gap).append_text(right)


def _wrapped(line: Text, page: Page, indent: int = BODY_INDENT) -> list[Text]:
    return wrap_cells(line, page.width, indent)
