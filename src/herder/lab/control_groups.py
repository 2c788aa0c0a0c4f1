"""The control group each machine runs in: it tells which processes are the machine's.

Machines that shared one would also share their services' groups, and stopping a service on one
machine would then reach the others.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from herder.errors import LabError

MOUNT = Path("/sys/fs/cgroup")


def roots() -> tuple[Path, ...]:
    """Give the hierarchies in which systemd keeps groups; none where there are no control groups.

    *Source*: systemd, docs/CGROUP_DELEGATION.md: unified, hybrid and legacy set-ups.
    """
    if (MOUNT / "cgroup.controllers").exists():
        return (MOUNT,)
    return tuple(path for path in (MOUNT / "systemd", MOUNT / "unified") if path.is_dir())


def make_group(name: str) -> tuple[Path, ...]:
    """Make the group in each hierarchy; give the files that take the number of a process to join.

    *Raises*: LabError, when this host does not let us.
    """
    try:
        for root in roots():
            (root / name).mkdir(exist_ok=True)
    except OSError as error:
        raise LabError(f"no control group could be made: {error}") from error
    return tuple(root / name / "cgroup.procs" for root in roots())


def group_names(prefix: str) -> set[str]:
    """Give the names of all groups that start so."""
    return {path.name for root in roots() for path in root.glob(f"{prefix}*")}


def group_processes(name: str) -> set[int]:
    """Give the numbers of all processes in the group and those below it."""
    return {number for root in roots() for number in _numbers(root / name)}


def signal_group(name: str) -> int:
    """Send every process of the group a signal that ends it; give how many there were."""
    numbers = group_processes(name)
    for number in numbers:
        _kill(number)
    return len(numbers)


def kill_group(name: str, *, deadline_seconds: float = 10.0) -> None:
    """End every process of the group at once. *Raises*: LabError, when some live on."""
    deadline = time.monotonic() + deadline_seconds
    while signal_group(name):
        if time.monotonic() > deadline:
            raise LabError(f"processes of {name!r} could not be ended")
        time.sleep(0.01)


def remove_group(name: str, *, deadline_seconds: float = 10.0) -> None:
    """End every process of the group and remove it. *Raises*: LabError, when it stays busy."""
    deadline = time.monotonic() + deadline_seconds
    # Again and again: a machine that is just being started may still join.
    while not all(_remove_tree(root / name) for root in roots()):
        kill_group(name)
        if time.monotonic() > deadline:
            raise LabError(f"control group {name!r} could not be removed")
        time.sleep(0.01)


def _numbers(group: Path) -> Iterator[int]:
    # os.walk passes over a group that goes while we look; rglob raises.
    for folder, _, _ in os.walk(group):
        try:
            words = Path(folder, "cgroup.procs").read_text(encoding="ascii").split()
        except OSError:
            continue  # the group went while we looked
        yield from (int(word) for word in words if word != "0")


def _kill(number: int) -> None:
    try:
        os.kill(number, signal.SIGKILL)
    except ProcessLookupError:
        return


def _remove_tree(group: Path) -> bool:
    """Remove the group with those below it; tell whether it is gone."""
    # os.walk, as above: a session of the machine's may end, and its group with it, meanwhile
    for folder, _, _ in os.walk(group, topdown=False):
        try:
            Path(folder).rmdir()
        except FileNotFoundError:
            continue
        except OSError:
            return False
    return not group.exists()
