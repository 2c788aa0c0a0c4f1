"""The recorder: what it takes for a recap in the text that Display shows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible.utils.display import Display

from conformance.recorder import Recorder

BANNER = "\nPLAY RECAP *********************************************************************"
ROW = "web1                       : ok=3    changed=1    unreachable=0    failed=0    skipped=0"


def recorded(file: Path) -> object:
    return json.loads(file.read_text())["recap"]


@pytest.mark.parametrize("row", [ROW, f"\x1b[0;33m{ROW}\x1b[0m"])
def test_rows_after_the_banner_are_recorded(tmp_path: Path, row: str) -> None:
    """With colours or without: the counts are what is compared."""
    recorder = Recorder(str(tmp_path / "record"))

    for message in (BANNER, row, ""):
        recorder.see(message)
    recorder.write(0)

    counts = {"ok": 3, "changed": 1, "unreachable": 0, "failed": 0, "skipped": 0}
    assert recorded(tmp_path / "record") == {"web1": counts}


def test_a_row_before_the_banner_is_only_text(tmp_path: Path) -> None:
    """A debug task may print anything."""
    recorder = Recorder(str(tmp_path / "record"))

    recorder.see(ROW)
    recorder.write(0)

    assert recorded(tmp_path / "record") == {}


def test_the_exit_code_of_the_command_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The recorder must not be seen by the target."""
    monkeypatch.setattr(Display, "display", Display.display)  # put back after the test
    recorder = Recorder(str(tmp_path / "record"))

    with pytest.raises(SystemExit) as end:
        recorder.run(lambda: 4)

    assert end.value.code == 4
    assert json.loads((tmp_path / "record").read_text())["code"] == "4"
