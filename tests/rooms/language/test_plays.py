"""Strategies, and what a play is run with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rooms.language.conftest import Play


@pytest.mark.parametrize("name", ["free", "ansible.builtin.free", "ansible.legacy.host_pinned"])
def test_a_strategy_of_ansible_core_goes_by_all_its_names(play: Play, name: str) -> None:
    """Its module is loaded under another name for each."""
    done = play([{"debug": {}}], strategy=name)
    assert done.returncode == 0, done.stderr


def test_a_strategy_of_someone_else_is_refused_with_a_reason(play: Play, tmp_path: Path) -> None:
    """It would replace how tasks are executed."""
    (tmp_path / "strategy_plugins").mkdir()
    own = "from ansible.plugins.strategy.linear import StrategyModule as Linear\n"
    own += "class StrategyModule(Linear):\n    pass\n"
    (tmp_path / "strategy_plugins" / "own.py").write_text(own)
    done = play([{"debug": {}}], strategy="own")
    assert "Herder cannot use the strategy plugin 'own'" in done.stderr
    assert done.returncode == 1
