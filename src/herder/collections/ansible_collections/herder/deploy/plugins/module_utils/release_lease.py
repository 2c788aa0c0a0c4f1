"""The lease: who may change this application on this host, until when, and with which number.

States: free, held (before its end), expired (after it). Events: acquire, renew, release, break.
Laws: a new holder always gets a higher number than every holder before; a held lease is never
taken by someone else; whoever shows a number lower than the stored one is refused (fencing), so
a deployer that was thought dead can do no harm when it wakes up.

*Units*: times are seconds since the epoch. An end is also kept on the boot clock, which goes on
when somebody sets the time of day, and is used while the machine has not been restarted.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import NamedTuple, Optional, Tuple

from ansible_collections.herder.deploy.plugins.module_utils.release_layout import (
    DeployError,
    Json,
    Layout,
    locked,
    read_json,
    write_json,
    write_text,
)

SHOWN_FIELDS = ("owner", "user", "host", "why", "release", "progress", "token", "since", "expires")


class Moment(NamedTuple):
    """A point in time on both clocks, and which boot the second one belongs to."""

    wall: float
    boot: float
    boot_id: str


def this_moment() -> Moment:
    """Read the clocks; on a system without a boot clock the monotonic one stands in."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    boot_id = ""
    with contextlib.suppress(OSError), open("/proc/sys/kernel/random/boot_id") as file:
        boot_id = file.read().strip()
    return Moment(time.time(), time.clock_gettime(clock), boot_id)


def remaining(lease: Json, now: Moment) -> float:
    """Give the seconds until the lease ends; zero or less means expired."""
    if now.boot_id and lease.get("boot_id") == now.boot_id:
        return float(lease.get("expires_boot", 0.0)) - now.boot
    return float(lease.get("expires", 0.0)) - now.wall


def is_live(lease: Optional[Json], now: Moment) -> bool:
    """Tell whether somebody holds the lease at this moment."""
    return lease is not None and remaining(lease, now) > 0


def stored_token(layout: Layout) -> int:
    """Read the highest number ever given out here; 0 on a host that has none yet."""
    highest = int((read_json(layout.lease) or {}).get("token", 0))
    try:
        with open(layout.token, encoding="ascii") as file:
            return max(highest, int(file.read().strip() or 0))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return highest


def holder(layout: Layout) -> Optional[Json]:
    """Read the lease as it is stored, live or expired; None when it is free."""
    return read_json(layout.lease)


def described(lease: Optional[Json], now: Moment) -> Json:
    """Give what a person or another deployer may know of a lease; {} for none."""
    if lease is None:
        return {}
    told = {field: lease.get(field) for field in SHOWN_FIELDS}
    return dict(
        told, is_live=is_live(lease, now), remaining_seconds=round(remaining(lease, now), 3)
    )


def acquire(
    layout: Layout, wish: Json, seconds: float, now: Moment, at_least: int = 0
) -> Tuple[bool, Json]:
    """Take the lease if it is free, expired or already ours; gives (taken, lease).

    *Shapes*: `wish` has owner, user, host, why, release, progress. When not taken, the lease is
    the other holder's. The same owner keeps its number, unless `at_least` is higher: with it a
    deployer gives one number to a whole fleet.
    """
    layout.prepare()
    with locked(layout.lock):
        lease = holder(layout)
        if is_live(lease, now) and lease is not None and lease.get("owner") != wish["owner"]:
            return False, lease
        is_ours = lease is not None and lease.get("owner") == wish["owner"]
        if lease is not None and is_ours and int(lease["token"]) >= at_least:
            return True, _store(layout, dict(lease, **_given(wish)), seconds, now)
        number = max(stored_token(layout) + 1, at_least)
        write_text(layout.token, "%d\n" % number)
        fresh = dict(wish, token=number, since=now.wall)
        return True, _store(layout, fresh, seconds, now)


def _given(wish: Json) -> Json:
    return {field: value for field, value in wish.items() if value not in (None, "")}


def _store(layout: Layout, lease: Json, seconds: float, now: Moment) -> Json:
    ends = {"expires": now.wall + seconds, "expires_boot": now.boot + seconds}
    stored = dict(lease, boot_id=now.boot_id, seconds=seconds, **ends)
    write_json(layout.lease, stored)
    return stored


def renew(layout: Layout, token: int, now: Moment, changes: Json) -> Json:
    """Put off the end of our lease; works after its end too while nobody else took it.

    *Shapes*: `changes` may have progress, why, release and `seconds`.
    *Raises*: DeployError `lease-lost` when the number is not the stored one.
    """
    with locked(layout.lock):
        lease = holder(layout)
        if lease is None or lease.get("token") != token:
            raise _lost(layout, token, lease, now)
        seconds = float(changes.pop("seconds", None) or lease.get("seconds", 30.0))
        return _store(layout, dict(lease, **_given(changes)), seconds, now)


def release(layout: Layout, token: int) -> bool:
    """Give the lease back; says whether it was ours. Another one's lease stays as it is."""
    with locked(layout.lock):
        lease = holder(layout)
        if lease is None or lease.get("token") != token:
            return False
        keep_token(layout, token)
        os.unlink(layout.lease)
        return True


def keep_token(layout: Layout, token: int) -> None:
    """Make sure that the highest number outlives the lease file."""
    with contextlib.suppress(OSError):
        if stored_token(layout) > token:
            return
        write_text(layout.token, "%d\n" % token)


def break_lease(layout: Layout, token: int, now: Moment) -> Optional[Json]:
    """End somebody's lease on a person's word; with a number, only the very one that was shown.

    The number goes up at once, so that the old holder is refused from now on. Gives the lease
    that was ended; None when there was none and no number was asked for.
    """
    layout.prepare()
    with locked(layout.lock):
        lease = holder(layout)
        if token and (lease is None or lease.get("token") != token):
            raise _lost(layout, token, lease, now)
        if lease is None:
            return None
        write_text(layout.token, "%d\n" % (stored_token(layout) + 1))
        os.unlink(layout.lease)
        return lease


def check_fence(layout: Layout, token: Optional[int], now: Moment) -> None:
    """Refuse a command whose number is too old, or that has none while another one holds.

    *Raises*: DeployError `stale-token` or `lease-held`. Call it under `layout.lock` when the
    answer must still be true a moment later.
    """
    lease = holder(layout)
    if token:
        if stored_token(layout) > token:
            raise _lost(layout, token, lease, now)
    elif is_live(lease, now):
        raise held_by_other(lease or {}, now)


def _lost(layout: Layout, token: int, lease: Optional[Json], now: Moment) -> DeployError:
    stored = stored_token(layout)
    text = "lease number %d is not the one of this host, which is at %d" % (token, stored)
    other = " (held by %s)" % lease.get("owner") if is_live(lease, now) and lease else ""
    return DeployError(
        "stale-token", text + other, stored_token=stored, holder=described(lease, now)
    )


def held_by_other(lease: Json, now: Moment) -> DeployError:
    """Say who holds the lease, since when, and when it will end without a sign of life."""
    told = described(lease, now)
    text = (
        "%s on %s is deploying here since %s (%s%s), lease ends in %.0f s without a sign of it"
        % (
            told.get("user") or told.get("owner"),
            told.get("host") or "an unknown host",
            time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(float(told.get("since") or 0))),
            told.get("release") or "no release named",
            ", " + str(told["progress"]) if told.get("progress") else "",
            told.get("remaining_seconds") or 0,
        )
    )
    return DeployError("lease-held", text, holder=told)


def wish_of(params: Json) -> Json:
    """Pick the fields of a lease out of a module's parameters."""
    fields: Tuple[str, ...] = ("owner", "user", "host", "why", "release", "progress")
    wish: Json = {field: params.get(field) or "" for field in fields}
    if not wish["owner"]:
        raise DeployError("bad-arguments", "owner is required to acquire a lease")
    return wish


def wait_and_acquire(layout: Layout, wish: Json, order: Json) -> Tuple[bool, Json]:
    """Acquire, trying again until the other holder is gone or the time is up.

    *Shapes*: `order` has seconds, wait_seconds and at_least.
    """
    deadline = time.monotonic() + order["wait_seconds"]
    while True:
        now = this_moment()
        taken, lease = acquire(layout, wish, order["seconds"], now, order["at_least"])
        if taken or time.monotonic() >= deadline:
            return taken, lease
        time.sleep(min(0.5, max(0.01, deadline - time.monotonic())))
