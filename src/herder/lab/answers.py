"""Waits until servers answer as ssh servers do."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from herder.errors import LabError
from herder.lab.state import Server


def is_answering(server: Server) -> bool:
    """Tell whether the server's sshd says what it is."""
    try:
        with socket.create_connection((server.address, server.port), timeout=1.0) as connection:
            connection.settimeout(5.0)
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def wait_for_answers(
    servers: Sequence[Server],
    *,
    started: float,
    check: Callable[[Server, float], None],
    goes_on: Callable[[], bool] = lambda: True,
) -> list[Server]:
    """Wait until every one of them answers; give them with their seconds since `started`.

    *Shapes*: `check` is asked about each that does not answer yet, with the seconds that have
    passed, and raises when there is no more use in waiting.
    *Units*: `started` is a `time.monotonic()`.
    *Raises*: LabError, when one does not answer and they are wanted no more.
    """
    waiting = list(servers)
    ready: list[Server] = []
    while waiting:
        answering = [server for server in waiting if is_answering(server)]
        seconds = time.monotonic() - started
        ready += [replace(server, boot_seconds=round(seconds, 2)) for server in answering]
        waiting = [server for server in waiting if server not in answering]
        for server in waiting:
            if not goes_on():
                raise LabError(f"server {server.name!r} is not wanted any more")
            check(server, seconds)
        time.sleep(0.05 if waiting else 0.0)
    return ready
