"""Runs `herder WORDS`; writes how many templates were compiled into the first word's file."""

from __future__ import annotations

import sys
from pathlib import Path

from herder.cli.main import main
from herder.language.shortcuts.templates import compile_once

if __name__ == "__main__":
    status = main(sys.argv[2:])
    Path(sys.argv[1]).write_text(str(compile_once().compilations), encoding="utf-8")
    sys.exit(status)
