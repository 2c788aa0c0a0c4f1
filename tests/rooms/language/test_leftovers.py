"""What a run leaves behind when it is broken off."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.rooms.language.conftest import SOURCE


def test_an_interrupted_run_ends_what_its_lookups_started(tmp_path: Path) -> None:
    """The signal reaches Herder alone, as from a supervisor, not the whole terminal."""
    mark = tmp_path / "started"
    message = f"{{{{ lookup('pipe', 'echo $$ > {mark}; sleep 77; true') }}}}"
    play = {"hosts": "localhost", "gather_facts": False, "tasks": [{"debug": {"msg": message}}]}
    (tmp_path / "site.yml").write_text(json.dumps([play]))
    run = subprocess.Popen(
        [sys.executable, "-m", "herder", "playbook", "--output", "plain", "site.yml"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not (mark.exists() and mark.read_text()):
        time.sleep(0.05)
    run.send_signal(signal.SIGINT)
    assert run.wait() == 99
    time.sleep(0.2)
    assert not Path(f"/proc/{int(mark.read_text())}").exists()
