"""Every feature of the language, as folders of data that both engines run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.feature_folders import INVENTORY, feature_runs, given_folder
from tests.support.two_engines import Outcome, run_both


@pytest.mark.engines
@pytest.mark.parametrize(("folder", "words"), feature_runs())
def test_both_engines_do_and_say_the_same(folder: Path, words: list[str], tmp_path: Path) -> None:
    """Whoever links herder-playbook in the place of ansible-playbook must not notice."""
    given = given_folder(folder, tmp_path)

    stock, herder = run_both(given, ["-i", INVENTORY, *words], tmp_path)

    _expect_same(stock, herder)


def _expect_same(stock: Outcome, herder: Outcome) -> None:
    texts = f"ansible-playbook:\n{stock.text}\nherder:\n{herder.text}"
    assert herder.recap == stock.recap, texts
    assert herder.exit_code == stock.exit_code, texts
    assert herder.lines == stock.lines, texts
    assert herder.complaints == stock.complaints, texts
    assert herder.files == stock.files, texts
