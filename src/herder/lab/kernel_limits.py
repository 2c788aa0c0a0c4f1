"""Raises the one limit of the kernel's that many machines on one host run into, and restores it.

Every systemd watches files, with seven to ten inotify instances a machine; all machines' roots are
one user to the kernel, and Debian's 128 instances a user are spent by some twelve machines.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from herder.lab.network import bridges

WANTED = 8192

_LIMIT = Path("/proc/sys/fs/inotify/max_user_instances")
_FORMER = Path("/run/herder-lab.inotify")


@contextlib.contextmanager
def sharing_the_host() -> Iterator[None]:
    """Keep labs that come or go at the same time from deciding on what the other changes."""
    descriptor = os.open("/run", os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def raise_limits() -> None:
    """Make room for many machines; what the limit was is kept until the last lab is gone.

    A host that does not let us (a container) keeps its limit, which is enough for a few.
    """
    with contextlib.suppress(OSError):
        former = int(_LIMIT.read_text("ascii"))
        if former < WANTED:
            if not _FORMER.exists():
                _FORMER.write_text(f"{former}\n", "ascii")
            _LIMIT.write_text(f"{WANTED}\n", "ascii")


def restore_limits() -> None:
    """Set the limit back when no lab of machines is on this host any more."""
    if not _FORMER.exists():
        return
    with sharing_the_host(), contextlib.suppress(OSError):
        if bridges():
            return
        if int(_LIMIT.read_text("ascii")) == WANTED:  # else somebody has set it since
            _LIMIT.write_text(_FORMER.read_text("ascii"), "ascii")
        _FORMER.unlink()
