"""What `herder --help` prints: every command with its caption, broken between words."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Mapping

_END = "`herder COMMAND --help` tells what a command takes, `herder --version` the version."
_NARROWEST = 40


def help_text(captions: Mapping[str, str]) -> str:
    """Give the help for a terminal as wide as ours; without one, for 80 columns."""
    columns = max(shutil.get_terminal_size().columns, _NARROWEST)
    width = max(map(len, captions), default=0)
    lines = [
        _folded(f"  {name:{width}}  {caption}", columns, width + 4)
        for name, caption in captions.items()
    ]
    end = _folded(_END, columns, 0)
    return "\n".join(["usage: herder COMMAND ...", "", *lines, "", end, ""])


def _folded(line: str, columns: int, indent: int) -> str:
    return textwrap.fill(line, columns, subsequent_indent=" " * indent, break_on_hyphens=False)
