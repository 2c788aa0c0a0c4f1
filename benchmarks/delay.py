"""A pipe that hands everything on some milliseconds later, in both directions: a far-away server.

Used as ssh's ProxyCommand, alike for every peer: `delay.py MILLISECONDS ADDRESS PORT`. It delays
and never slows: any number of bytes may be under way. Started often, so it imports little.
"""

from __future__ import annotations

import os
import select
import socket
import sys
import time
from collections import deque

CHUNK_BYTES = 256 * 1024


class Way:
    """Bytes from one descriptor to another, each chunk kept for the delay."""

    def __init__(self, source: int, sink: int, seconds: float) -> None:
        self.source = source
        self.is_open = True
        self._sink = sink
        self._seconds = seconds
        self._kept: deque[tuple[float, bytes]] = deque()

    @property
    def is_done(self) -> bool:
        """Whether all has come and gone."""
        return not self.is_open and not self._kept

    def due_in(self, now: float) -> float | None:
        """Give the seconds until the next chunk goes on, None when there is none."""
        return max(0.0, self._kept[0][0] - now) if self._kept else None

    def take(self, now: float) -> None:
        """Keep what has come."""
        chunk = os.read(self.source, CHUNK_BYTES)
        if chunk:
            self._kept.append((now + self._seconds, chunk))
        else:
            self.is_open = False

    def hand_on(self, now: float) -> None:
        """Send on what has been kept long enough."""
        while self._kept and self._kept[0][0] <= now:
            chunk = self._kept.popleft()[1]
            while chunk:
                chunk = chunk[os.write(self._sink, chunk) :]


def relay(link: socket.socket, seconds: float) -> None:
    """Relay until the server has closed and all it sent has gone on."""
    out, back = Way(0, link.fileno(), seconds), Way(link.fileno(), 1, seconds)
    is_shut = False
    while not back.is_done:
        move((out, back))
        if out.is_done and not is_shut:
            is_shut = True
            link.shutdown(socket.SHUT_WR)


def move(ways: tuple[Way, Way]) -> None:
    """Wait for the next thing to happen and carry it out."""
    now = time.monotonic()
    waits = [wait for way in ways if (wait := way.due_in(now)) is not None]
    sources = [way.source for way in ways if way.is_open]
    ready = select.select(sources, [], [], min(waits, default=None))[0]
    now = time.monotonic()
    for way in ways:
        if way.source in ready:
            way.take(now)
        way.hand_on(now)


def main() -> None:
    """Connect and relay."""
    milliseconds, address, port = sys.argv[1:]
    seconds = float(milliseconds) / 1000
    # a connection takes one round trip before anything can be said
    time.sleep(2 * seconds)
    link = socket.create_connection((address, int(port)))
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    relay(link, seconds)


if __name__ == "__main__":
    try:
        main()
    except OSError:
        sys.exit(1)
