"""The story of the cloud from end to end, with every playbook of MooTube's that it has."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from herder.lab.place import lab_place
from tests.support.lab_traces import traces

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1200)]


@pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("moto", "boto3", "ansible_collections"))),
    reason="needs the extras cloud and aws",
)
def test_site_grows_and_shrinks_without_a_failed_request(tmp_path: Path) -> None:
    """Servers that come, change and go are nothing that a visitor may notice."""
    words = ["demo", "--cloud", "--directory", str(tmp_path)]

    done = subprocess.run(
        [sys.executable, "-m", "herder", *words], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(" 0 failed.") == 3
    assert "Failed requests: 0." in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert traces(lab_place("demo-cloud", tmp_path)) == []
