"""Run playbooks: a drop-in for ansible-playbook."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from herder.cli.main import guard, started
from herder.quick_start import import_late


def main(words: Sequence[str]) -> int:
    """Run the playbooks that `words` name, with ansible-playbook's arguments; its exit code."""
    code: int = import_late("herder.run").playbook(words, program="herder playbook")
    return code


def console() -> None:
    """Be `herder-playbook`, also under another name (`ansible-playbook`) that links to it."""
    words, program = sys.argv[1:], Path(sys.argv[0]).name
    sys.exit(guard(lambda: _play(words, program), command="playbook"))


def _play(words: Sequence[str], program: str) -> int:
    with started("herder.run") as run:
        code: int = run.playbook(words, program=program)
    return code
