"""The live view of a run: a log of changes and failures, above lines that say where it stands."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from herder.display.job_control import StopSignal
from herder.display.palette import ASCII, UNICODE
from herder.display.paragraphs import Paragraph
from herder.display.progress import RunProgress
from herder.display.prose import Page, draw
from herder.display.recap import LostHost, Recap, draw_recap
from herder.display.region import Region
from herder.display.status_lines import draw_status
from herder.display.stray_output import stray_output_led_to
from herder.display.task_log import TaskLog
from herder.events import (
    Event,
    HostTaskFinished,
    HostTaskStarted,
    Outcome,
    PlaybookFinished,
)

PAINT_SECONDS = 0.1
_LOST = frozenset({Outcome.FAILED, Outcome.UNREACHABLE})
_ROWS_MAX = 12


class LiveTerminal:
    """Shows a run on a terminal while it happens; an EventSink.

    `clock` gives monotonic seconds. Painting happens inside `tell` and `tick`, at most ten times
    a second however many events come; `animate` ticks for a caller with an event loop, so that
    the seconds go on while everybody waits. `suspend` gives the terminal to a prompt. With
    `guard_streams`, what other code prints to stdout and stderr goes above the live lines.
    Paths below `directory` (the current one) are shown relative to it. After a run that
    `is_transaction` nobody is told to try it on the lost hosts alone.
    *Then*: `close`, always: it writes what was held back and gives the cursor back.
    """

    def __init__(
        self,
        console: Console,
        clock: Callable[[], float],
        *,
        verbosity: int = 0,
        guard_streams: bool = True,
        directory: str | None = None,
        is_transaction: bool = False,
    ) -> None:
        self._console = console
        self._is_transaction = is_transaction
        self._clock = clock
        self._directory = str(Path.cwd()) if directory is None else directory
        self._region = Region(console)
        self._log = TaskLog(verbosity)
        self._progress = RunProgress(clock())
        self._lost: dict[str, LostHost] = {}
        self._pending: list[Paragraph | Text] = []
        self._last_paint = -PAINT_SECONDS
        self._suspended = 0
        self._guard_streams = guard_streams
        self._guard = contextlib.ExitStack()
        self._stop_signal = StopSignal(self._before_stop)
        self._is_stop_wanted = False
        self._is_painting = False
        self._is_resting = False
        self._is_open = False
        self._is_closed = False
        self._lock = threading.RLock()

    def tell(self, event: Event) -> None:
        now = self._clock()
        with self._lock:
            self._open()
            self._progress.feed(event, now)
            self._is_resting = isinstance(event, PlaybookFinished)
            self._pending += self._log.feed(event, now)
            if isinstance(event, HostTaskFinished | HostTaskStarted):
                self._note_lost(event)
            if isinstance(event, PlaybookFinished):
                self._pending += self._draw_recap(event, now)
            if now - self._last_paint >= PAINT_SECONDS:
                self._paint(now)

    def tick(self) -> None:
        """Paint what changed since the last time; cheap when nothing did."""
        now = self._clock()
        with self._lock:
            if self._is_open and now - self._last_paint >= PAINT_SECONDS:
                self._pending += self._log.settle(now)
                self._paint(now)

    async def animate(self) -> None:
        """Tick until cancelled."""
        while True:
            self.tick()
            await asyncio.sleep(PAINT_SECONDS)

    @contextlib.contextmanager
    def suspend(self) -> Iterator[None]:
        """Take the live lines down for a prompt; what is told meanwhile is shown afterwards."""
        with self._lock:
            self._flush()
            self._region.take_down()
            self._suspended += 1
            self._guard.close()
        try:
            yield
        finally:
            with self._lock:
                self._suspended -= 1
                if self._is_open and not self._suspended:
                    self._raise_guard()

    def close(self) -> None:
        """Write all that was held back, without live lines; safe to call twice."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
            self._stop_signal.answer_no_more()
            self._guard.close()
            self._pending += self._log.finish()
            self._suspended = 0
            self._flush()
            self._region.take_down()

    def _before_stop(self) -> bool:
        """Leave the terminal for Ctrl-Z; not in the middle of a write, which does so when done."""
        if self._is_painting:
            self._is_stop_wanted = True
            return False
        with self._lock:
            self._region.take_down()
        return True

    def _open(self) -> None:
        if not self._is_open:
            self._is_open = True
            if self._region.is_live:
                self._stop_signal.answer()
            self._raise_guard()

    def _raise_guard(self) -> None:
        if self._guard_streams and self._region.is_live and not self._is_closed:
            self._guard.enter_context(stray_output_led_to(self._take_stray_line))

    def _take_stray_line(self, line: str) -> None:
        with self._lock:
            self._pending.append(Text.from_ansi(line))

    def _note_lost(self, event: HostTaskFinished | HostTaskStarted) -> None:
        if isinstance(event, HostTaskStarted):
            self._lost.pop(event.host, None)
        elif event.outcome in _LOST:
            self._lost[event.host] = LostHost(event.host, event.outcome, event.task)

    def _draw_recap(self, event: PlaybookFinished, now: float) -> Sequence[Text]:
        lost_hosts = {each.host for each in event.totals if each.failed or each.unreachable}
        recap = Recap(
            event.totals,
            tuple(lost for host, lost in self._lost.items() if host in lost_hosts),
            self._progress.task_number,
            now - self._progress.started,
            is_transaction=self._is_transaction,
        )
        return draw_recap(recap, self._page())

    def _page(self) -> Page:
        is_ascii = self._console.options.ascii_only
        # The last column stays free: terminals differ in what they do behind it.
        return Page(
            max(self._console.width - 1, 20), ASCII if is_ascii else UNICODE, self._directory
        )

    def _paint(self, now: float) -> None:
        self._last_paint = now
        if self._suspended or self._is_closed:
            return
        live: list[Text] = []
        if self._region.is_live and self._progress.play and not self._is_resting:
            rows_max = max(min(_ROWS_MAX, self._console.height - 2), 1)
            live = draw_status(self._progress, now, self._page(), rows_max)
        self._is_painting = True
        self._region.paint(self._take_pending(), live)
        self._is_painting = False
        if self._is_stop_wanted:
            self._is_stop_wanted = False
            self._region.take_down()
            self._stop_signal.stop()

    def _flush(self) -> None:
        """Write what waits above the live lines, and none of these."""
        if not self._suspended:
            self._region.paint(self._take_pending(), ())

    def _take_pending(self) -> list[Text]:
        page = self._page()
        lines: list[Text] = []
        for each in self._pending:
            lines += [each] if isinstance(each, Text) else draw(each, page)
        self._pending.clear()
        return lines
