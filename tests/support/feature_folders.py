"""The folders of tests/data/language_features, and the runs that each of them describes.

A folder has playbooks, an inventory `hosts` and the file `runs`: a line for each run, the words of
the command; before them may stand marks (see MARKS) and `long`.
"""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path

import pytest

FOLDERS = Path(__file__).parents[1] / "data" / "language_features"
INVENTORY = "hosts"
MARKS = {
    "slow": pytest.mark.slow,
    "root": pytest.mark.skipif(
        os.geteuid() != 0 or not shutil.which("sudo"), reason="needs root and sudo"
    ),
    "cc": pytest.mark.skipif(not shutil.which("cc"), reason="needs a C compiler"),
}
SECONDS = 180
# ansible-playbook alone takes more than three minutes where it copies many files
LONG = "long"
LONG_SECONDS = 600


def feature_runs() -> list[object]:
    """Give folder, words and limit of each run, for a test to be parametrized with."""
    found: list[object] = []
    for runs in sorted(FOLDERS.glob("*/runs")):
        for line in runs.read_text("utf-8").splitlines():
            words = shlex.split(line)
            limit = pytest.mark.timeout(LONG_SECONDS if LONG in words else SECONDS)
            marks = [limit, *(MARKS[word] for word in words if word in MARKS)]
            words = [word for word in words if word not in MARKS and word != LONG]
            name = f"{runs.parent.name}: {shlex.join(words)}"
            found.append(pytest.param(runs.parent, words, marks=marks, id=name))
    return found


def given_folder(folder: Path, place: Path) -> Path:
    """Copy a folder, with an inventory where it has none of its own."""
    given = place / "given"
    shutil.copytree(folder, given)
    if not (given / INVENTORY).exists():
        shutil.copy(FOLDERS / INVENTORY, given / INVENTORY)
    return given
