"""Who runs Herder and where this person's files are; a container may know neither."""

from __future__ import annotations

import getpass
import os
from pathlib import Path

# below what is no directory: nothing can be kept there, and nothing is put where one stands
NOWHERE = Path("/dev/null")


def user_name() -> str:
    """Give the name of the person, or the number of a user that this machine does not know."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def at_home(path: Path) -> Path:
    """Give a path with the home in place of its '~'; where there is no home, one of no file."""
    try:
        return path.expanduser()
    except RuntimeError:
        return NOWHERE.joinpath(*path.parts[1:])
