"""Processes that plugins started and that still run when a run is broken off.

A forked worker takes them along when it is ended; a thread cannot. Where there is no /proc nothing
is ended, as when each is a program of the terminal's own process group it gets Ctrl-C itself.
"""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

PROCESSES = Path("/proc")


def end_leftovers() -> None:
    """Ask every process below this one to end."""
    for process_id in _below(os.getpid(), _parents()):
        with contextlib.suppress(OSError):
            os.kill(process_id, signal.SIGTERM)


def _parents() -> dict[int, int]:
    found = {}
    for folder in PROCESSES.glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            # the name before the last bracket may hold anything
            fields = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
            found[int(folder.name)] = int(fields[1])
    return found


def _below(top: int, parents: dict[int, int]) -> list[int]:
    children = [process_id for process_id, parent in parents.items() if parent == top]
    return [each for child in children for each in (child, *_below(child, parents))]
