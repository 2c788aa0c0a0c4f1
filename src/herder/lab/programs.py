"""Runs the system's programs that a lab needs, and turns their failures into lab errors."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence

from herder.errors import LabError

_LIMIT_SECONDS = 60.0


def run_program(words: Sequence[str], *, stdin: str = "") -> str:
    """Run a program to its end and give its standard output.

    *Raises*: LabError, when it is missing, fails, or takes more than a minute.
    """
    try:
        ended = subprocess.run(
            words, input=stdin, capture_output=True, text=True, timeout=_LIMIT_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LabError(f"{words[0]} could not be run: {error}") from error
    if ended.returncode != 0:
        said = (ended.stderr or ended.stdout).strip() or f"exit status {ended.returncode}"
        raise LabError(f"{words[0]} failed: {said}", context=shlex.join(words))
    return ended.stdout


def try_program(words: Sequence[str], *, stdin: str = "") -> bool:
    """Run a program whose failure means that there was nothing to do; tell whether it succeeded."""
    try:
        run_program(words, stdin=stdin)
    except LabError:
        return False
    return True
