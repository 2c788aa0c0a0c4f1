"""Every feature of the language, as folders of data that both engines run.

A folder of tests/data/language_features has playbooks, an inventory `hosts` and the file `runs`:
a line for each run, the words of the command; before them may stand marks (see MARKS) and `long`.
"""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path

import pytest

from tests.support.two_engines import Outcome, run_both

FOLDERS = Path(__file__).parents[2] / "data" / "language_features"
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


def _cases() -> list[object]:
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


@pytest.mark.engines
@pytest.mark.parametrize(("folder", "words"), _cases())
def test_both_engines_do_and_say_the_same(folder: Path, words: list[str], tmp_path: Path) -> None:
    """Whoever links herder-playbook in the place of ansible-playbook must not notice."""
    given = tmp_path / "given"
    shutil.copytree(folder, given)
    if not (given / INVENTORY).exists():
        shutil.copy(FOLDERS / INVENTORY, given / INVENTORY)

    stock, herder = run_both(given, ["-i", INVENTORY, *words], tmp_path)

    _expect_same(stock, herder)


def _expect_same(stock: Outcome, herder: Outcome) -> None:
    texts = f"ansible-playbook:\n{stock.text}\nherder:\n{herder.text}"
    assert herder.recap == stock.recap, texts
    assert herder.exit_code == stock.exit_code, texts
    assert herder.lines == stock.lines, texts
    assert herder.complaints == stock.complaints, texts
    assert herder.files == stock.files, texts
