"""Plays a made-up run on this terminal, to look at the live view.

python -m tests.support.play_scenario small --speed 2
python -m tests.support.play_scenario large --hosts 300 -v
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import sys
import time

from herder.display.console import make_console
from herder.display.live import LiveTerminal
from tests.support.scenarios import SCENARIOS, Timed, large


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario", choices=sorted(SCENARIOS))
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--hosts", type=int, default=0)
    parser.add_argument("-v", "--verbose", action="count", default=0)
    words = parser.parse_args()
    timed = large(words.hosts) if words.hosts else SCENARIOS[words.scenario]()
    live = LiveTerminal(
        make_console(sys.stdout, os.environ), time.monotonic, verbosity=words.verbose
    )
    used = time.process_time()
    try:
        asyncio.run(play(live, timed, words.speed))
    except KeyboardInterrupt:
        return 99
    finally:
        live.close()
    sys.stderr.write(f"{time.process_time() - used:.2f} s of processor time\n")
    return 0


async def play(live: LiveTerminal, timed: list[Timed], speed: float) -> None:
    """Tell the events when their second has come."""
    started = time.monotonic()
    animation = asyncio.create_task(live.animate())
    for each in timed:
        delay = each.second / speed - (time.monotonic() - started)
        if delay > 0:
            await asyncio.sleep(delay)
        live.tell(each.event)
    animation.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await animation


if __name__ == "__main__":
    raise SystemExit(main())
