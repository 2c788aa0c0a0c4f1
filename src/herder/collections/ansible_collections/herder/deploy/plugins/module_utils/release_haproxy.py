"""Talking to HAProxy through its admin socket: take a server out, put it back, wait for it.

*Source*: HAProxy 2.6 management guide, 9.3 "Unix Socket commands" (set server, show stat).
"""

from __future__ import annotations

import csv
import os
import socket
import time
from typing import Callable, Collection, Dict, List, NamedTuple

from ansible_collections.herder.deploy.plugins.module_utils.release_layout import DeployError

ANSWER_LIMIT_BYTES = 16 << 20
LOOK_SECONDS = 0.2
UP_STATES = ("UP", "no check")
# In maintenance by order; `MAINT (via ...)` and `MAINT (resolution)` are none.
MAINTENANCE = "MAINT"

Ask = Callable[[str], str]


class Seen(NamedTuple):
    """One server of one backend as HAProxy tells it."""

    backend: str
    server: str
    status: str
    sessions: int
    queued: int
    weight: int


def ask_socket(address: str, line: str, seconds: float = 10.0) -> str:
    """Send one line to the admin socket (a path, or 'host:port') and give the whole answer."""
    try:
        with _connected(address, seconds) as connection:
            connection.sendall(line.encode("ascii") + b"\n")
            return _read_all(connection).decode("utf-8", "replace")
    except OSError as error:
        text = "haproxy socket %s: %s" % (address, error.strerror or error)
        raise DeployError("haproxy-unreachable", text) from error


def _connected(address: str, seconds: float) -> socket.socket:
    host, _colon, port = address.rpartition(":")
    if port.isdigit() and not os.path.exists(address):
        return socket.create_connection((host, int(port)), timeout=seconds)
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(seconds)
        connection.connect(address)
    except OSError:
        connection.close()
        raise
    return connection


def _read_all(connection: socket.socket) -> bytes:
    blocks: List[bytes] = []
    while sum(map(len, blocks)) < ANSWER_LIMIT_BYTES:
        block = connection.recv(65536)
        if not block:
            return b"".join(blocks)
        blocks.append(block)
    raise DeployError("haproxy-answer", "answer of more than %d bytes" % ANSWER_LIMIT_BYTES)


def servers(answer: str) -> List[Seen]:
    """Read the answer of `show stat`. *Raises*: DeployError `haproxy-answer`, for another one."""
    if not answer.startswith("# pxname"):
        seen = answer.strip()[:80] or "nothing"
        raise DeployError("haproxy-answer", "haproxy was asked for statistics and said %s" % seen)
    rows = csv.DictReader(answer.lstrip("# ").splitlines())
    return [_seen(row) for row in rows if row.get("svname") not in ("FRONTEND", "BACKEND", None)]


def _seen(row: Dict[str, str]) -> Seen:
    return Seen(
        row["pxname"],
        row["svname"],
        row["status"],
        int(row.get("scur") or 0),
        int(row.get("qcur") or 0),
        int(row.get("weight") or 0),
    )


def find(ask: Ask, server: str, backend: str) -> List[Seen]:
    """Give the server in the named backend, or in every backend that has it.

    *Raises*: DeployError `no-such-server`.
    """
    every = servers(ask("show stat"))
    found = [one for one in every if one.server == server and backend in ("", one.backend)]
    if not found:
        where = "backend %s" % backend if backend else "any backend"
        raise DeployError("no-such-server", "haproxy has no server %s in %s" % (server, where))
    return found


def set_state(ask: Ask, seen: Seen, state: str) -> None:
    """Order a state: 'drain', 'maint' or 'ready'; HAProxy answers nothing when it obeys."""
    said = ask("set server %s/%s state %s" % (seen.backend, seen.server, state)).strip()
    if said:
        raise DeployError("haproxy-refused", "haproxy: %s" % said)


def is_settled(seen: Seen, state: str) -> bool:
    """Tell whether a server is where the order wanted it."""
    if state == "ready":
        return seen.status.startswith(UP_STATES)
    out = "MAINT" if state == "maint" else ("DRAIN", "MAINT", "DOWN")
    return seen.sessions == 0 and seen.queued == 0 and seen.status.startswith(out)


def bring(
    ask: Ask, target: List[str], state: str, wait_seconds: float, leave: Collection[str] = ()
) -> List[Seen]:
    """Order a state and wait for it; gives the server as seen last.

    *Shapes*: `target` is [server, backend]; backend '' for all but those that `leave` names.
    wait_seconds 0 does not wait.
    *Raises*: DeployError `not-settled` when the time is up.
    """
    for one in find(ask, *target):
        if one.backend not in leave:
            set_state(ask, one, state)
    deadline = time.monotonic() + wait_seconds
    while True:
        found = find(ask, *target)
        waited_for = [one for one in found if one.backend not in leave]
        if not wait_seconds or all(is_settled(one, state) for one in waited_for):
            return found
        if time.monotonic() >= deadline:
            raise DeployError("not-settled", _late(found, state, wait_seconds))
        time.sleep(LOOK_SECONDS)


def _late(found: List[Seen], state: str, wait_seconds: float) -> str:
    parts = ["%s/%s is %s with %d sessions" % one[:4] for one in found]
    return "not %s after %.0f s: %s" % (state, wait_seconds, ", ".join(parts))
