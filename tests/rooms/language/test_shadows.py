"""Each answer that a shortcut gives in whole runs is that of ansible-core's long way.

tests/support/shadows.py says what is compared: variables, play contexts, settings, options of
plugins and of kept connections, fields of tasks, what callbacks are shown.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.feature_folders import INVENTORY, feature_runs, given_folder
from tests.support.two_engines import SOURCE, environment

# Few runs that come by all of it; the others are looked at where there is time.
OFTEN = ("follows: values.yml", "loops: site.yml")


def _runs() -> list[object]:
    runs = feature_runs()
    for run in runs:
        if run.id not in OFTEN and pytest.mark.slow not in run.marks:  # type: ignore[attr-defined]
            run.marks.append(pytest.mark.slow)  # type: ignore[attr-defined]
    return runs


@pytest.mark.engines
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("folder", "words"), _runs())
def test_every_answer_is_that_of_the_long_way(
    folder: Path, words: list[str], tmp_path: Path
) -> None:
    """What is kept from task to task must not be seen by anybody."""
    given = given_folder(folder, tmp_path)
    program, report = (sys.executable, "-m", "tests.support.shadows"), tmp_path / "report"
    settings = environment(given) | {
        "PYTHONPATH": os.pathsep.join((str(SOURCE), str(SOURCE.parent)))
    }

    done = subprocess.run(
        [*program, str(report), "--output", "plain", "-i", INVENTORY, *words],
        cwd=given,
        env=settings,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )

    assert report.exists(), done.stderr
    assert [line for line in report.read_text().splitlines() if line.startswith("DIFFERS")] == []
