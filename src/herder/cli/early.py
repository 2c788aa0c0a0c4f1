"""Starts a command that connects while what runs it is still being imported."""

from __future__ import annotations

import gc
import importlib
from collections.abc import Sequence

from herder import head_start


def run_early(entry: str, words: Sequence[str], *, program: str) -> int:
    """Run the entry of `run.py` that has this name; its exit code."""
    with head_start.begun(words, program=program) as start:
        # imports make no garbage worth a tenth of their time
        gc.disable()
        try:
            # by name and late: this is what takes the time
            run = importlib.import_module("herder.run")
        finally:
            gc.enable()
        code: int = getattr(run, entry)(words, program=program, start=start)
        return code
