"""Run playbooks: a drop-in for ansible-playbook."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from herder import run


def main(words: Sequence[str]) -> int:
    """Run the playbooks that `words` name, with ansible-playbook's arguments; its exit code."""
    return run.playbook(words, program="herder playbook")


def console() -> None:
    """Be `herder-playbook`, also under another name (`ansible-playbook`) that links to it."""
    sys.exit(run.playbook(sys.argv[1:], program=os.path.basename(sys.argv[0])))
