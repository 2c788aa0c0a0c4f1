"""Run playbooks: a drop-in for ansible-playbook."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from herder.cli.early import run_early
from herder.cli.main import guard, started


def main(words: Sequence[str]) -> int:
    """Run the playbooks that `words` name, with ansible-playbook's arguments; its exit code."""
    return run_early("playbook", words, program="herder playbook")


def console() -> None:
    """Be `herder-playbook`, also under another name (`ansible-playbook`) that links to it."""
    words, program = sys.argv[1:], Path(sys.argv[0]).name
    sys.exit(guard(lambda: _play(words, program), command="playbook"))


def _play(words: Sequence[str], program: str) -> int:
    with started("herder.cli.early") as early:
        code: int = early.run_early("playbook", words, program=program)
    return code
