"""The printer that commands share: standard output, coloured as the operator wants."""

from __future__ import annotations

import os
import sys

from herder.display.printer import Printer


def printer() -> Printer:
    """Give a printer on standard output."""
    return Printer(sys.stdout, os.environ)
