"""Breaks machines on purpose, and mends them: what a fleet meets sooner or later."""

from __future__ import annotations

import errno
import os
import signal
from dataclasses import replace
from pathlib import Path

from herder.errors import LabError
from herder.lab.boot import disk_directory
from herder.lab.control_groups import group_processes, kill_group
from herder.lab.machines import Machines
from herder.lab.network import set_cable
from herder.lab.state import Stage

_FILL_BYTES = 1 << 20


def cut_network(machines: Machines, name: str) -> None:
    """Pull the machine's cable: nothing reaches it, and nobody is told."""
    set_cable(machines.place, machines.state().server(name), plugged=False)


def restore_network(machines: Machines, name: str) -> None:
    """Plug the machine's cable in again; connections that lived through it go on."""
    set_cable(machines.place, machines.state().server(name), plugged=True)


def kill_machine(machines: Machines, name: str) -> None:
    """Take the power away: every process of the machine is gone at once; `boot` brings it back.

    Whoever talked to it sees no end of the connection, as the machine can no longer send one.
    """
    server = machines.state().server(name)
    set_cable(machines.place, server, plugged=False)
    kill_group(f"{machines.place.prefix}{name}")
    set_cable(machines.place, server, plugged=True)
    machines.note(replace(server, stage=Stage.STOPPED))


def freeze_machine(machines: Machines, name: str) -> None:
    """Halt every process of the machine: it takes connections and never answers."""
    _signal_all(machines, name, signal.SIGSTOP)


def thaw_machine(machines: Machines, name: str) -> None:
    """Let a frozen machine go on."""
    _signal_all(machines, name, signal.SIGCONT)


def fill_disk(machines: Machines, name: str) -> None:
    """Leave no byte free on the machine's disk, which `disk_megabytes` has given a size.

    *Raises*: LabError, when its disk is the host's.
    """
    file = _filling(machines, name)
    chunk = _FILL_BYTES
    with file.open("wb") as filling:
        while chunk:
            try:
                os.posix_fallocate(filling.fileno(), filling.seek(0, os.SEEK_END), chunk)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                chunk //= 2


def free_disk(machines: Machines, name: str) -> None:
    """Take back what `fill_disk` did."""
    _filling(machines, name).unlink(missing_ok=True)


def _filling(machines: Machines, name: str) -> Path:
    if not machines.state().server(name).disk_megabytes:
        raise LabError(f"machine {name!r} has no disk of its own, make it with disk_megabytes")
    # Beside the machine's files, not among them: only the space is to be gone.
    return disk_directory(machines.place, name) / "filling"


def _signal_all(machines: Machines, name: str, number: signal.Signals) -> None:
    machines.state().server(name)
    done: set[int] = set()
    while left := group_processes(f"{machines.place.prefix}{name}") - done:
        for process in left:
            try:
                os.kill(process, number)
            except ProcessLookupError:
                continue
        done |= left
