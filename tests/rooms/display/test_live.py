"""The live view as a whole, on a small terminal with a clock that tests move."""

from __future__ import annotations

import re
import sys

import pytest
from rich.console import Console

from herder.display.live import LiveTerminal
from herder.events import MessageKind, MessageShown, PlayStarted
from tests.support.hand_clock import HandClock
from tests.support.scenarios import Timed, free, large, small
from tests.support.screen import Screen


def live_on(screen: Screen, clock: HandClock, *, verbosity: int = 0) -> LiveTerminal:
    console = Console(
        file=screen,
        force_terminal=True,
        width=screen.width,
        height=screen.height,
        highlight=False,
        legacy_windows=False,
    )
    return LiveTerminal(console, clock, verbosity=verbosity, guard_streams=False)


def play(live: LiveTerminal, clock: HandClock, run: list[Timed], until: float = 1e9) -> None:
    for timed in run:
        if timed.second > until:
            break
        clock.seconds = timed.second
        live.tell(timed.event)
    clock.move(0.2)
    live.tick()


def test_a_whole_run_leaves_its_changes_failures_and_recap() -> None:
    """What an operator reads afterwards is all there: who changed, who failed, where and why."""
    screen, clock = Screen(80, 200), HandClock()
    live = live_on(screen, clock)

    play(live, clock, small())
    live.close()

    text = screen.text()
    assert re.search(r"changed  nginx : Write the site's configuration +web1, web2  0.\ds\n", text)
    assert "+    client_max_body_size 512m;" in text
    assert "web1, web3: /srv/mootube/releases, /srv/mootube/shared" in text
    assert "failed  web3 · app : Migrate the database" in text
    assert "at      site.yml:83  (ansible.builtin.command)" in text
    assert "django.db.utils.OperationalError" in text
    assert "unreachable  web4 · Gathering Facts" in text
    assert "RECAP  ok  changed  unreachable  failed  skipped" in text
    assert text.endswith("10 tasks in 18s")
    assert screen.is_cursor_shown


def test_the_live_lines_say_where_the_run_stands() -> None:
    """Play, task, how far, and for whom everybody waits."""
    screen, clock = Screen(80, 24), HandClock()
    live = live_on(screen, clock)

    play(live, clock, small(), until=6.0)

    lines = screen.text().split("\n")[-4:]
    assert lines[0].startswith("── Provision the web servers ─")
    assert "2 hosts changed ── 1 host failed ── 0:05" in lines[0]
    assert lines[1].strip().startswith("nginx : Install packages")
    assert "2 of 3 done, 1 running, 2 changed" in lines[2]
    assert lines[3].strip() == "waiting for web3 0:04"


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("run", [small, large, free])
def test_no_line_is_wider_than_the_terminal(run: object, width: int) -> None:
    """A line that the terminal folds would break the live rows below it."""
    screen, clock = Screen(width, 1000), HandClock()
    live = live_on(screen, clock)
    assert callable(run)

    play(live, clock, run())
    live.close()

    assert max(map(len, screen.text().split("\n"))) < width


def test_three_hundred_hosts_fit_on_a_small_terminal() -> None:
    """The live region is bounded by the terminal's height, whatever the fleet."""
    screen, clock = Screen(80, 10), HandClock()
    live = live_on(screen, clock)

    play(live, clock, large(300), until=4.0)
    clock.move(1.0)
    live.tick()
    live_rows = screen.text().split("\n")[-4:]

    assert "300 running" in live_rows[2]
    assert live_rows[3].endswith(")")
    assert len(live_rows[3]) < 80


def test_painting_is_throttled() -> None:
    """Thousands of events a second are ten writes a second."""
    screen, clock = Screen(), HandClock()
    live = live_on(screen, clock)
    live.tell(PlayStarted("Web", ("web1",)))
    before = screen.writes

    for number in range(1000):
        clock.move(0.001)
        live.tell(MessageShown(MessageKind.NOTE, f"note {number}"))

    assert screen.writes - before <= 11


def test_a_prompt_has_the_terminal_for_itself() -> None:
    """Nothing may be written between a question and its answer; it comes afterwards."""
    screen, clock = Screen(), HandClock()
    live = live_on(screen, clock)
    live.tell(PlayStarted("Web", ("web1",)))
    clock.move(1)
    live.tick()

    with live.suspend():
        assert "0:01 ──" not in screen.text()
        assert screen.is_cursor_shown
        screen.write("Password: \n")
        clock.move(1)
        live.tell(MessageShown(MessageKind.NOTE, "told meanwhile"))
        live.tick()
        during = screen.text()
    clock.move(1)
    live.tick()

    assert during.endswith("Password:")
    assert "Password:\ntold meanwhile\n── Web" in screen.text()


def test_close_shows_what_was_held_back_and_twice_is_well() -> None:
    """After Ctrl-C the changes of the task in progress are on the screen."""
    screen, clock = Screen(80, 50), HandClock()
    live = live_on(screen, clock)
    run = [timed for timed in small() if timed.second < 6.0]
    for timed in run:
        live.tell(timed.event)

    live.close()
    live.close()

    assert "changed  nginx : Install packages" in screen.text()
    assert "waiting for" not in screen.text()
    assert screen.is_cursor_shown


def test_verbose_shows_what_is_ok() -> None:
    """-v shows results that changed nothing, with their task."""
    screen, clock = Screen(80, 300), HandClock()
    live = live_on(screen, clock, verbosity=1)

    play(live, clock, small())
    live.close()

    assert "ok  app : Wait until the site is healthy" in screen.text()
    assert "attempts  4" in screen.text()


def test_what_other_code_prints_goes_above_the_live_lines(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A library that prints must not tear the picture, nor be silenced."""
    screen, clock = Screen(), HandClock()
    console = Console(file=screen, force_terminal=True, width=80, height=24)
    live = LiveTerminal(console, clock)
    stdout = sys.stdout
    live.tell(PlayStarted("Web", ("web1",)))

    sys.stdout.write("printed\n")
    sys.stderr.write("half a line")
    clock.move(1)
    live.tick()
    live.close()

    assert "printed\n" in screen.text()
    assert screen.text().endswith("half a line")
    assert sys.stdout is stdout
    assert capsys.readouterr().out == ""
