"""One run as one HTML page that needs nothing from elsewhere."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, tzinfo
from html import escape

from herder.errors import INTERRUPTED
from herder.events import HostTotals, Outcome
from herder.model.host_order import natural_key, sort_hosts, without_name
from herder.record.history import History
from herder.record.report_style import STYLE
from herder.record.rows import Failure, KeptMessage, RunDetail, RunSummary, Span, TaskTime
from herder.record.timeline import draw_timeline

SLOWEST_TASKS = 15
PATH_STEPS_MAX = 25
FAILURES_OPEN = 20
OUTPUT_LINES = 30

_TOTALS = ("ok", "changed", "unreachable", "failed", "skipped", "rescued", "ignored")


def write_report(history: History, run_id: int, *, zone: tzinfo | None = None) -> str:
    """Give the page of one run, times in `zone` (UTC without one). *Raises*: RecordError."""
    detail = history.detail(run_id)
    spans = history.spans(run_id)
    path = history.critical_path(run_id)
    slowest = history.slowest_tasks(run_id, SLOWEST_TASKS)
    title = f"Run {run_id}: {detail.summary.short_name}"
    body = [
        _heading(detail, title, zone or UTC),
        _tiles(detail, path),
        _failures(detail.failures),
        _timeline(spans, detail.summary.seconds, path),
        _slowest(slowest),
        _path(path),
        _recap(detail.totals),
        _messages(detail.messages),
        f"<footer>Written by Herder from its record of run {run_id}.</footer>",
    ]
    return _page(title, "\n".join(part for part in body if part))


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        # What hosts printed is in here: even if some of it got through, nothing could run.
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _heading(detail: RunDetail, title: str, zone: tzinfo) -> str:
    summary = detail.summary
    started = datetime.fromtimestamp(summary.started, zone)
    verdict, tone = verdict_of(summary)
    return (
        f"<h1>{escape(title)}</h1>\n"
        f'<p class="verdict {tone}">{escape(verdict)}</p>\n'
        f'<p class="facts"><b>{started:%Y-%m-%d %H:%M:%S %Z}</b>, '
        f"<b>{_time(summary.seconds)}</b>, by <b>{escape(summary.user)}</b> "
        f"on {escape(summary.controller)}</p>\n"
        f'<code class="command">{escape(summary.command)}</code>'
    )


def verdict_of(summary: RunSummary) -> tuple[str, str]:
    """Give how a run ended in words, and 'good' or 'bad'."""
    if not summary.is_finished:
        return "did not end: it was killed, or is still running", "bad"
    lost = [
        f"{number} {word}"
        for number, word in ((summary.failed, "failed"), (summary.unreachable, "unreachable"))
        if number
    ]
    if lost:
        return f"{' and '.join(lost)} of {_hosts(summary.hosts)}", "bad"
    if summary.exit_code == INTERRUPTED:
        return "interrupted", "bad"
    if summary.exit_code:
        return f"ended with exit code {summary.exit_code}", "bad"
    changed = f"{summary.changed} changed" if summary.changed else "nothing changed"
    return f"{_hosts(summary.hosts)}, all well, {changed}", "good"


def _hosts(number: int) -> str:
    return f"{number} host" if number == 1 else f"{number} hosts"


def _tiles(detail: RunDetail, path: Sequence[Span]) -> str:
    summary = detail.summary
    tiles = [
        _tile(summary.hosts, "hosts"),
        _tile(summary.changed, "changed", "notice"),
        _tile(summary.failed, "failed", "bad"),
        _tile(summary.unreachable, "unreachable", "bad"),
        _tile(len(detail.tasks), "tasks"),
        _tile(_time(sum(span.seconds for span in path)), "in the critical path"),
    ]
    return f'<div class="tiles">{"".join(tiles)}</div>'


def _tile(value: object, words: str, tone: str = "") -> str:
    classes = f"tile {tone}" if tone and value else "tile"
    return f'<div class="{classes}"><b>{escape(str(value))}</b><span>{words}</span></div>'


def _failures(failures: Sequence[Failure]) -> str:
    if not failures:
        return ""
    cards = [_failure(alike) for alike in _alike(failures)]
    shown, rest = cards[:FAILURES_OPEN], cards[FAILURES_OPEN:]
    if rest:
        shown.append(f"<details><summary>{len(rest)} more</summary>{''.join(rest)}</details>")
    return "<h2>Failures</h2>\n" + "\n".join(shown)


def _alike(failures: Sequence[Failure]) -> list[list[Failure]]:
    """Put failures together that differ in nothing but the name of their host."""
    groups: dict[tuple[object, ...], list[Failure]] = defaultdict(list)
    for failure in failures:
        result = without_name(failure.result, failure.host)
        groups[failure.task, failure.path, failure.outcome, result].append(failure)
    return list(groups.values())


def _failure(alike: Sequence[Failure]) -> str:
    failure = alike[0]
    result = _parsed(failure.result)
    parts = "".join(
        f"<dt>{name}</dt><dd><pre>{escape(_tail(name, value))}</pre></dd>"
        for name in ("msg", "cmd", "rc", "stderr", "module_stderr", "stdout", "module_stdout")
        if (value := result.get(name)) not in (None, "", [])
    )
    whole = escape(json.dumps(result, indent=2, ensure_ascii=False))
    hosts = escape(", ".join(sort_hosts(each.host for each in alike)))
    place = f' <span class="at">{escape(failure.path)}</span>' if failure.path else ""
    return (
        f'<div class="card failure"><h3>{hosts}: {failure.outcome.value} at '
        f"{escape(failure.task)}{place}</h3><dl>{parts}</dl>"
        f"<details><summary>the whole result</summary><pre>{whole}</pre></details></div>"
    )


def _parsed(text: str) -> dict[str, object]:
    try:
        result = json.loads(text)
    except ValueError:
        return {"msg": text}
    return result if isinstance(result, dict) else {"msg": result}


def _tail(name: str, value: object) -> str:
    if name == "cmd" and isinstance(value, list):
        return " ".join(map(str, value))
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    lines = text.rstrip("\n").split("\n")
    if len(lines) > OUTPUT_LINES:
        left_out = len(lines) - OUTPUT_LINES
        lines = [f"({left_out} lines before this)", *lines[-OUTPUT_LINES:]]
    return "\n".join(lines)


def _timeline(spans: Sequence[Span], seconds: float, path: Sequence[Span]) -> str:
    if not spans:
        return ""
    picture, left_out = draw_timeline(spans, seconds, path)
    seen = {span.outcome for span in spans}
    legend = "".join(
        f'<span><i class="{outcome.value}"></i>{outcome.value}</span>'
        for outcome in Outcome
        if outcome in seen
    )
    legend += '<span><i class="critical"></i>in the critical path</span>'
    note = f'<p class="facts">{_hosts(left_out)} more had no room here.</p>' if left_out else ""
    return (
        f'<h2>Timeline</h2>\n<div class="card"><div class="legend">{legend}</div>'
        f"{picture}{note}</div>"
    )


def _slowest(tasks: Sequence[TaskTime]) -> str:
    if not tasks:
        return ""
    longest = max(task.seconds for task in tasks) or 1.0
    rows = [
        f"<tr><td>{_named(task.name, task.path)}</td>"
        f'<td class="number">{_time(task.seconds)}</td>'
        f'<td class="share"><div class="bar" style="width:{100 * task.seconds / longest:.1f}%">'
        f"</div></td>"
        f'<td class="number">{_time(task.median_seconds)}</td>'
        f'<td>{escape(task.slowest_host)}</td><td class="number">{_time(task.slowest_seconds)}</td>'
        "</tr>"
        for task in tasks
    ]
    head = (
        '<tr><th>task</th><th class="number">all hosts</th><th></th><th class="number">median</th>'
        '<th>slowest</th><th class="number"></th></tr>'
    )
    return _table("Slowest tasks", head, rows)


def _path(path: Sequence[Span]) -> str:
    longest = sorted(path, key=lambda span: -span.seconds)[:PATH_STEPS_MAX]
    kept = {span.number for span in longest}
    rows = [
        f'<tr><td class="number">{_time(span.second)}</td><td>{_named(span.name, span.path)}</td>'
        f'<td>{escape(span.host)}</td><td class="number">{_time(span.seconds)}</td></tr>'
        for span in path
        if span.number in kept
    ]
    if not rows:
        return ""
    head = (
        '<tr><th class="number">at</th><th>task</th><th>waited for</th>'
        '<th class="number">seconds</th></tr>'
    )
    return _table("Critical path: what the run waited for", head, rows)


def _recap(totals: Sequence[HostTotals]) -> str:
    if not totals:
        return ""
    head = "".join(f'<th class="number">{name}</th>' for name in _TOTALS)
    rows = [
        f"<tr><td>{escape(each.host)}</td>{''.join(_count(each, name) for name in _TOTALS)}</tr>"
        for each in sorted(totals, key=lambda each: natural_key(each.host))
    ]
    return _table("Recap", f"<tr><th>host</th>{head}</tr>", rows)


def _count(totals: HostTotals, name: str) -> str:
    number = getattr(totals, name)
    return f'<td class="number {name if number else "zero"}">{number}</td>'


def _messages(messages: Iterable[KeptMessage]) -> str:
    rows = [
        f'<tr><td class="number">{_time(each.second)}</td><td>{escape(each.kind)}</td>'
        f"<td>{escape(each.text)}</td></tr>"
        for each in messages
        if each.kind != "verbose"
    ]
    if not rows:
        return ""
    head = '<tr><th class="number">at</th><th>kind</th><th>text</th></tr>'
    return _table("Warnings and messages", head, rows)


def _table(title: str, head: str, rows: Sequence[str]) -> str:
    return f'<h2>{title}</h2>\n<div class="card"><table>{head}{"".join(rows)}</table></div>'


def _named(name: str, path: str) -> str:
    place = f'<br><span class="place">{escape(path)}</span>' if path else ""
    return f"{escape(name)}{place}"


def _time(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02} min"
