"""The command `herder run`, which stands in the place of the ad-hoc `ansible`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.two_engines import environment

STOCK = (str(Path(sys.executable).with_name("ansible")),)
OURS = (sys.executable, "-m", "herder", "run")
HOSTS = f"""\
one ansible_connection=local ansible_python_interpreter={sys.executable}
two ansible_connection=local ansible_python_interpreter={sys.executable}
"""


def _run(engine: Sequence[str], words: Sequence[str], folder: Path) -> tuple[int, list[str]]:
    """Give exit code and lines in an order of their own: which host is first is chance."""
    (folder / "hosts").write_text(HOSTS)
    done = subprocess.run(
        [*engine, "-i", "hosts", *words],
        cwd=folder,
        env=environment(folder),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, sorted((done.stdout + done.stderr).splitlines())


@pytest.mark.engines
@pytest.mark.parametrize(
    "words",
    [
        ["all", "-m", "ping"],
        ["one", "-a", "echo moo"],
        ["all", "-m", "fail", "-a", "msg=no", "-o"],
        ["all", "--list-hosts"],
        ["nowhere", "-m", "ping"],
        ["all", "-m", "no_such_module"],
    ],
    ids=" ".join,
)
@pytest.mark.timeout(60)
def test_it_does_and_says_what_ansible_does(words: list[str], tmp_path: Path) -> None:
    """Word by word, since scripts read it."""
    assert _run(OURS, words, tmp_path) == _run(STOCK, words, tmp_path)
