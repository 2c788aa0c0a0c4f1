"""The command `herder-playbook`, which stands in the place of `ansible-playbook`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import herder

SOURCE = str(Path(herder.__file__).parents[1])
ENTRY = "from herder.cli.playbook import console; console()"


def test_a_wrong_setting_ends_in_a_text_and_not_in_a_traceback() -> None:
    """The entry that scripts call has the same shell around it as `herder` has."""
    done = subprocess.run(
        [sys.executable, "-c", ENTRY, "site.yml"],
        env={**os.environ, "PYTHONPATH": SOURCE, "HERDER_FORKS_MAX": "many"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 5
    assert done.stderr.startswith("herder: HERDER_FORKS_MAX is 'many', expected ")
