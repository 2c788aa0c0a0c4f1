"""Strategies, and what a play is run with."""

from __future__ import annotations

import json
import subprocess
import sys
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


def test_deployments_table_hides_what_no_log_hides(tmp_path: Path) -> None:
    """It is read out in chats and kept by CI, and named the password that was refused."""
    play = {
        "hosts": "all",
        "gather_facts": False,
        "pre_tasks": [
            {
                "name": "Log in",
                "ansible.builtin.fail": {"msg": "bad password moo"},
                "no_log": True,
                "loop": [1, 2],
            }
        ],
        "roles": ["herder.deploy.app"],
    }
    (tmp_path / "deploy.yml").write_text(json.dumps([play]))
    values = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "deploy_to": str(tmp_path / "site"),
        "deploy_via": "tree",
        "deploy_from": str(tmp_path),
    }

    done = subprocess.run(
        [
            *(sys.executable, "-m", "herder", "deploy", "deploy.yml", "-i", "web1,"),
            *("-e", json.dumps(values)),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    table = done.stdout.partition("is now")[2]
    assert "Log in: its output is hidden (no_log)" in table, done.stderr
    assert "moo" not in table
