"""Looking before anything changes: what on this host would make the deployment fail.

*Shapes*: a finding is {check, ok, seen, wanted, text}; `text` is a whole sentence for a person.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import time
from typing import Callable, Dict, List, Optional, Tuple

from ansible_collections.herder.deploy.plugins.module_utils import release_record as records
from ansible_collections.herder.deploy.plugins.module_utils import release_upkeep as upkeep
from ansible_collections.herder.deploy.plugins.module_utils.release_layout import (
    Json,
    Layout,
    read_json,
)

SPARE_FACTOR = 1.2
LEAST_BYTES = 16 << 20
LEAST_INODES = 1000
COMMAND_SECONDS = 20


def finding(check: str, ok: bool, text: str, seen: object = None, wanted: object = None) -> Json:
    """Make one finding."""
    return {"check": check, "ok": ok, "text": text, "seen": seen, "wanted": wanted}


def inspect(layout: Layout, wishes: Json) -> List[Json]:
    """Make all checks that the wishes ask for; changes nothing on the host."""
    found = [*disk(layout, wishes), access(layout), *current_release(layout)]
    if wishes.get("need_target"):
        found.append(target(layout, str(wishes.get("target") or "")))
    found += [runtime(each) for each in wishes.get("runtimes") or []]
    found += [reach(each) for each in wishes.get("reach") or []]
    found += [command(each) for each in wishes.get("commands") or []]
    if wishes.get("controller_epoch"):
        found.append(clock(float(wishes["controller_epoch"]), float(wishes.get("max_skew") or 5.0)))
    return found


def standing_on(path: str) -> str:
    """Give the nearest directory that exists on the way to a path."""
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    return path


def needed(layout: Layout, wishes: Json) -> Tuple[int, int]:
    """Give the bytes and inodes the release needs: as told, else as the current one and a fifth."""
    record = read_json(layout.record(layout.current_name() or "none")) or {}
    size = int(float(record.get("bytes") or 0) * SPARE_FACTOR) + LEAST_BYTES
    count = int(float(record.get("entries") or 0) * SPARE_FACTOR) + LEAST_INODES
    return int(wishes.get("need_bytes") or size), int(wishes.get("need_inodes") or count)


def disk(layout: Layout, wishes: Json) -> List[Json]:
    """Hold free bytes and inodes against what the release needs."""
    place = standing_on(layout.releases)
    free = os.statvfs(place)
    need_bytes, need_inodes = needed(layout, wishes)
    seen_bytes = free.f_bavail * free.f_frsize
    text = "%s free in %s, needs %s" % (_size(seen_bytes), place, _size(need_bytes))
    found = [finding("disk-bytes", seen_bytes >= need_bytes, text, seen_bytes, need_bytes)]
    if free.f_files:
        text = "%d inodes free in %s, needs %d" % (free.f_favail, place, need_inodes)
        ok = free.f_favail >= need_inodes
        found.append(finding("disk-inodes", ok, text, free.f_favail, need_inodes))
    return found


def _size(count: int) -> str:
    """Give a number of bytes as people read it."""
    amount, unit = float(count), 0
    while amount >= 1024 and unit < 4:
        amount, unit = amount / 1024, unit + 1
    return "%.*f %s" % (
        1 if unit and amount < 10 else 0,
        amount,
        ("B", "KiB", "MiB", "GiB", "TiB")[unit],
    )


def access(layout: Layout) -> Json:
    """Say whether releases can be made and the link be changed."""
    for path in (layout.releases, layout.shared, os.path.dirname(layout.current), layout.private):
        place = standing_on(path)
        if not os.access(place, os.W_OK | os.X_OK):
            return finding(
                "write-access", False, "%s may not be written by this user" % place, place
            )
    return finding("write-access", True, "%s may be written" % layout.root)


def current_release(layout: Layout) -> List[Json]:
    """Say whether what serves now is whole: the link leads somewhere, to a finished release."""
    text = layout.current_text()
    if text is None:
        if os.path.lexists(layout.current):
            said = "%s is a real file or directory, expected a link" % layout.current
            return [finding("current", False, said)]
        return [finding("current", True, "nothing is deployed here yet")]
    if not os.path.isdir(layout.current):
        return [
            finding(
                "current", False, "%s leads to %s, which is gone" % (layout.current, text), text
            )
        ]
    name = layout.current_name()
    if name is None:
        return [
            finding(
                "current", True, "%s leads outside the releases, to %s" % (layout.current, text)
            )
        ]
    state = records.state_of(layout, name)
    ok = state in ("finished", "unrecorded")
    return [finding("current", ok, "current release %s is %s" % (name, state), state, "finished")]


def target(layout: Layout, wanted: str) -> Json:
    """Say whether there is a release to go back to (the named one, if one is named)."""
    if wanted:
        wrong = upkeep.is_intact(layout, wanted)
        return finding("target", wrong is None, wrong or "release %s is intact" % wanted, wanted)
    found = upkeep.intact_targets(layout, layout.current_name())
    text = "can go back to %s" % found[0] if found else "no intact older release to go back to"
    return finding("target", bool(found), text, found[:5])


def clock(controller_epoch: float, max_skew: float) -> Json:
    """Hold this host's clock against the controller's; the caller allows for the way there."""
    skew = time.time() - controller_epoch
    text = "clock is %+.1f s from the controller's, at most %.0f s are allowed" % (skew, max_skew)
    return finding("clock", abs(skew) <= max_skew, text, round(skew, 3), max_skew)


def runtime(wish: Json) -> Json:
    """Say whether a program is there in the wanted version.

    *Shapes*: `wish` has `command` (a line, or a list of words), `version` (like '>=8.1', '3.11',
    '>=3.8,<4'; '' for any) and maybe `name`.
    """
    words = wish["command"].split() if isinstance(wish["command"], str) else list(wish["command"])
    name = str(wish.get("name") or os.path.basename((words or ["without a command"])[0]))
    check = "runtime %s" % name
    if not words:
        return finding(check, False, "there is no command to ask for the version")
    status, output = _run(words)
    wanted = str(wish.get("version") or "")
    if status:
        return finding(check, False, "%s failed: %s" % (" ".join(words), output), None, wanted)
    seen = first_version(output)
    if not wanted:
        return finding(check, True, "%s is %s" % (name, seen or "there"), seen)
    ok = seen is not None and satisfies(seen, wanted)
    return finding(check, ok, "%s is %s, wants %s" % (name, seen, wanted), seen, wanted)


def _run(words: List[str]) -> Tuple[int, str]:
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=COMMAND_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        return 127, str(error)
    return done.returncode, done.stdout.decode("utf-8", "replace").strip()[-400:]


def first_version(text: str) -> Optional[str]:
    """Find the first thing in a text that looks like a version."""
    found = re.search(r"\d+(?:\.\d+)+|\d+", text)
    return found.group(0) if found else None


def satisfies(seen: str, wanted: str) -> bool:
    """Hold a version against conditions joined by commas; a bare '8.1' means 8.1 or 8.1.x."""
    return all(_satisfies(seen, each.strip()) for each in wanted.split(",") if each.strip())


def _satisfies(seen: str, condition: str) -> bool:
    found = re.match(r"^(>=|<=|==|!=|>|<|)\s*v?([\d.]+)$", condition)
    if not found:
        return False
    sign, text = found.groups()
    here, there = _numbers(seen), _numbers(text)
    if not sign:
        return here[: len(there)] == there
    width = max(len(here), len(there))
    here, there = here + (0,) * (width - len(here)), there + (0,) * (width - len(there))
    tests: Dict[str, Callable[[], bool]] = {
        ">=": lambda: here >= there,
        "<=": lambda: here <= there,
        "==": lambda: here == there,
        "!=": lambda: here != there,
        ">": lambda: here > there,
        "<": lambda: here < there,
    }
    return tests[sign]()


def _numbers(text: str) -> Tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part)


def reach(wish: Json) -> Json:
    """Say whether a host and port answer from here.

    *Shapes*: `wish` has host, port, maybe seconds and name; or `socket`, the path of a Unix socket.
    """
    seconds = float(wish.get("seconds") or 5.0)
    where = str(wish.get("socket") or "%s:%s" % (wish.get("host"), wish.get("port")))
    check = "reach %s" % (wish.get("name") or where)
    started = time.monotonic()
    try:
        _connect(wish, seconds)
    except OSError as error:
        return finding(check, False, "%s cannot be reached: %s" % (where, error.strerror or error))
    except (KeyError, TypeError, ValueError, OverflowError):
        return finding(check, False, "%s is no host and port" % where)
    taken = time.monotonic() - started
    return finding(check, True, "%s answers in %.0f ms" % (where, taken * 1000), round(taken, 4))


def _connect(wish: Json, seconds: float) -> None:
    if wish.get("socket"):
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as connection:
            connection.settimeout(seconds)
            connection.connect(str(wish["socket"]))
        return
    socket.create_connection((str(wish["host"]), int(wish["port"])), timeout=seconds).close()


def command(line: object) -> Json:
    """Say whether a command of the user's ends well; a line goes through the shell."""
    words = ["/bin/sh", "-c", line] if isinstance(line, str) else [str(each) for each in line]  # type: ignore[attr-defined]  # str or list, from JSON
    status, output = _run(words)
    text = "%s ended with %d" % (line, status) + (": " + output if status and output else "")
    return finding("command", status == 0, text, status, 0)
