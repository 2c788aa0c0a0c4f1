"""Starts a command that connects while what runs it is still being imported."""

from __future__ import annotations

from collections.abc import Sequence

from herder import head_start
from herder.quick_start import import_late


def run_early(entry: str, words: Sequence[str], *, program: str) -> int:
    """Run the entry of `run.py` that has this name; its exit code."""
    with head_start.begun(words, program=program) as start:
        run = import_late("herder.run")
        code: int = getattr(run, entry)(words, program=program, start=start)
        return code
