"""The timer on the host: takes a switch back when its controller was lost before confirming it.

The guard is a small process of its own session, so it outlives the connection that started it.
It knows one switch by its id; when that one was confirmed, reverted or replaced, it ends. What
keeps it from going back (a lock that is held, a file system that just then takes nothing) may pass:
it tries again for a day. Where it never could, the next deployment carries the rule out.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

from ansible_collections.herder.deploy.plugins.module_utils import release_lease as leases
from ansible_collections.herder.deploy.plugins.module_utils import release_log
from ansible_collections.herder.deploy.plugins.module_utils import release_switch as switches
from ansible_collections.herder.deploy.plugins.module_utils.release_layout import (
    DeployError,
    Json,
    Layout,
    locked,
)

LOOK_SECONDS = 0.5
AGAIN_SECONDS = 5.0
TRIES = 24 * 60 * 12
COMMAND_SECONDS = 60


def start(layout: Layout, journal: Json) -> int:
    """Start the guard of a switch in the background; gives its process id.

    The child closes everything it got, so nobody waits for it; a grandchild does the work.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _become_daemon(layout, journal, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        text = pipe.read(32)
    os.waitpid(child, 0)
    return int(text or b"0")


def _become_daemon(layout: Layout, journal: Json, writer: int) -> None:
    """Fork again, tell the process id, then watch; never returns."""
    status = 1
    try:
        os.setsid()
        if os.fork() == 0:
            os.write(writer, b"%d" % os.getpid())
            _let_go()
            watch(layout, journal)
        status = 0
    finally:
        os._exit(status)


def _let_go() -> None:
    """Close all descriptors and stand in the root directory, so nothing is held up by us."""
    os.chdir("/")
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.closerange(3, 65536)


def watch(layout: Layout, journal: Json) -> None:
    """Wait until the switch is confirmed or overdue; then carry out the rule."""
    tries = 0
    while tries < TRIES:
        seen = switches.journal_of(layout)
        if seen is None or seen["id"] != journal["id"] or not switches.is_pending(seen):
            return
        if not switches.is_overdue(seen, leases.this_moment()):
            time.sleep(LOOK_SECONDS)
            continue
        try:
            _settle(layout, seen)
            return
        except (OSError, DeployError):
            tries += 1
            time.sleep(AGAIN_SECONDS)


def _settle(layout: Layout, journal: Json) -> None:
    with locked(layout.lock, wait_seconds=60.0):
        done = switches.settle(layout)
    if done is None or done["id"] != journal["id"]:
        return
    if done["state"] == "reverted" and journal["command"]:
        _run(journal["command"])
    release_log.append(layout, line_of(done, time.time()))


def _run(command: list) -> None:  # type: ignore[type-arg]  # a list of words, from JSON
    try:
        subprocess.run(command, stdin=subprocess.DEVNULL, timeout=COMMAND_SECONDS, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        sys.stderr.write("%s\n" % error)


def line_of(journal: Json, now: float) -> Json:
    """Give the log line of a switch that the host settled by itself."""
    is_reverted = journal["state"] == "reverted"
    return {
        "when": now,
        "event": "settled",
        "release": journal["to"],
        "from": journal["to"] if is_reverted else journal["from"],
        "to": journal["from"] if is_reverted else journal["to"],
        "who": "guard",
        "result": "reverted" if is_reverted else "kept",
        "why": "not confirmed in time",
        "switch": journal["id"],
    }
