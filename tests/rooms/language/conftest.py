"""Runs playbooks as a person would, on this machine itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[3] / "src"

Play = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """Give what runs one play with these tasks on localhost, through Herder."""

    def run(
        tasks: list[object],
        *words: str,
        environment: dict[str, str] | None = None,
        directory: Path | None = None,
        **keywords: object,
    ) -> subprocess.CompletedProcess[str]:
        content = {"hosts": "localhost", "gather_facts": False, "tasks": tasks} | keywords
        site = tmp_path / "site.yml"
        site.write_text(json.dumps([content]))
        return subprocess.run(
            [sys.executable, "-m", "herder", "playbook", "--output", "plain", str(site), *words],
            cwd=directory or tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": str(SOURCE),
                "ANSIBLE_LOCALHOST_WARNING": "false",
                "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
                **(environment or {}),
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    return run
