"""Finds programs that the sessions of process servers left running, by their environment."""

from __future__ import annotations

import os
from pathlib import Path

from herder.lab.place import LabPlace

_PROCESSES = Path("/proc")


def strays(place: LabPlace) -> list[int]:
    """Give the numbers of processes whose HOME is in this lab: a site that a playbook started.

    They need not be children of the lab's own process any more. Linux only; elsewhere none is
    found. *Source*: proc(5), /proc/PID/environ.
    """
    mark = b"\0HOME=" + os.fsencode(place.directory / "servers") + b"/"
    own = str(os.getpid())
    numbers = (path.name for path in _PROCESSES.glob("[0-9]*") if path.name != own)
    return [int(number) for number in numbers if mark in b"\0" + _environment(number)]


def _environment(number: str) -> bytes:
    """Give a process's environment as it was at its start; b'' when it is gone or not ours."""
    try:
        return (_PROCESSES / number / "environ").read_bytes()
    except OSError:
        return b""
