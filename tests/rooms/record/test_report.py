"""A run as one HTML page."""

from __future__ import annotations

import re
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path

import pytest

from herder.events import HostTaskFinished, Outcome, PlayStarted, TaskLabel
from herder.record.history import History
from herder.record.report import write_report
from herder.record.rows import Span
from herder.record.timeline import ROWS_MAX, draw_timeline
from tests.support.hand_clock import HandClock
from tests.support.kept_runs import keep_run, open_record
from tests.support.scenarios import large, small

VOID = {"meta", "br", "line", "rect"}


class _Balance(HTMLParser):
    """Fails on an element that is closed where it was not opened."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.opened.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.opened.pop() == tag


def report_of(directory: Path, run_id: int) -> str:
    with closing(History(directory)) as history:
        return write_report(history, run_id)


def test_the_page_tells_the_run(tmp_path: Path) -> None:
    """What one would ask a colleague: how it ended, what failed, what took long."""
    page = report_of(tmp_path, keep_run(tmp_path, small(), exit_code=2))

    assert "<h1>Run 1: site.yml</h1>" in page
    assert "1 failed and 1 unreachable of 4 hosts" in page
    assert "2026-01-01 12:00:00 UTC" in page
    assert "django.db.utils.OperationalError" in page
    assert "Slowest tasks" in page
    assert page.count('class="host"') == 4


def test_the_page_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    """It is sent by mail and read years later."""
    page = report_of(tmp_path, keep_run(tmp_path, small()))

    assert not re.search(r"\b(?:src|href)\s*=|url\(|@import|<script|<link", page)
    assert "default-src 'none'" in page


def test_every_element_is_closed(tmp_path: Path) -> None:
    """A page that browsers have to guess at looks different in each."""
    balance = _Balance()

    balance.feed(report_of(tmp_path, keep_run(tmp_path, small())))

    assert balance.opened == []


def test_what_a_host_says_is_text_and_never_markup(tmp_path: Path) -> None:
    """A hostile host must not write into the operator's page."""
    evil = "<script>alert(1)</script>"
    record = open_record(tmp_path, HandClock())
    record.tell(PlayStarted(evil, (evil,)))
    task = TaskLabel("1", evil, "command", evil)
    result = {"msg": evil, "stderr": evil}
    record.tell(HostTaskFinished(evil, task, Outcome.FAILED, 1.0, result))
    record.close()

    page = report_of(tmp_path, 1)

    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_failures_alike_stand_together(tmp_path: Path) -> None:
    """300 hosts that failed the same way are one thing to read."""
    page = report_of(tmp_path, keep_run(tmp_path, large(40), exit_code=2))

    assert page.count('class="card failure"') == 1
    assert "node6, node7, node8: failed at base : Be sure of the packages" in page


def test_a_timeline_has_room_for_some_hosts_and_says_how_many_it_left_out() -> None:
    """A row for each of 1,000 hosts would be a page of its own; lost hosts always have one."""
    spans = [Span(number, 1, "t", "", f"h{number}", Outcome.OK, 0.0, 1.0) for number in range(200)]
    lost = Span(999, 1, "t", "", "lost", Outcome.UNREACHABLE, 0.0, 0.1)

    picture, left_out = draw_timeline([*spans, lost], 1.0)

    assert left_out == 201 - ROWS_MAX
    assert ">lost<" in picture


@pytest.mark.parametrize("seconds", [0.0, 0.04, 59.0, 3600.0, 200_000.0])
def test_the_axis_fits_any_length(seconds: float) -> None:
    """From a run of nothing to one of days, there are some ticks and not thousands."""
    picture, _ = draw_timeline([Span(1, 1, "t", "", "h", Outcome.OK, 0.0, seconds)], seconds)

    assert 1 <= picture.count('class="tick"') <= 12


def test_thousands_of_short_tasks_melt_into_few_bars() -> None:
    """The page of a long run must still open."""
    spans = [
        Span(number, number, "t", "", "web1", Outcome.OK, number * 0.01, 0.01)
        for number in range(20_000)
    ]

    picture, _ = draw_timeline(spans, 200.0)

    assert picture.count("<rect") < 2_500
