"""The story of the cloud from end to end, and that nothing is left of one that was broken off."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from herder.lab.place import LabPlace, lab_place
from tests.support.cloud_plays import HAS_EXTRAS
from tests.support.lab_traces import traces

pytestmark = [
    pytest.mark.lab,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(not HAS_EXTRAS, reason="needs the extras cloud and aws"),
]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[LabPlace]:
    """Give where the demo's lab is kept."""
    found = lab_place("demo-cloud", tmp_path)
    yield found
    _herder("lab", "down", "--name", found.name, "--directory", str(tmp_path))


def test_site_grows_and_shrinks_without_a_failed_request(place: LabPlace) -> None:
    """Servers that come, change and go are nothing that a visitor may notice."""
    done = _herder("demo", "--cloud", "--directory", str(place.directory.parent))

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(" 0 failed.") == 3
    assert "Failed requests: 0." in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert traces(place) == []


@pytest.mark.parametrize("chapter", ["A lab with", "Two web servers", "Provisioning"])
def test_nothing_is_left_after_a_ctrl_c(place: LabPlace, chapter: str) -> None:
    """Whoever has seen enough must not have to clean up."""
    demo = _demo_up_to(place, chapter)

    demo.send_signal(signal.SIGINT)
    demo.communicate(timeout=90)

    assert demo.returncode == 99
    assert traces(place) == []


def test_nothing_is_left_when_the_cloud_of_a_killed_demo_is_taken_down(place: LabPlace) -> None:
    """A laptop that was switched off leaves servers that have to be found again."""
    demo = _demo_up_to(place, "Provisioning")
    demo.kill()
    demo.communicate()

    where = ("--name", place.name, "--directory", str(place.directory.parent))
    up_again = _herder("lab", "cloud", "up", *where)
    down = _herder("lab", "cloud", "down", *where)

    assert "herder lab cloud down --name demo-cloud" in up_again.stderr
    assert down.returncode == 0, down.stderr
    assert _eventually_none(place) == []


def _demo_up_to(place: LabPlace, chapter: str) -> subprocess.Popen[str]:
    """Start the demo and give it when a chapter has begun, and a little later."""
    words = [sys.executable, "-m", "herder", "demo", "--cloud"]
    demo = subprocess.Popen(
        [*words, "--directory", str(place.directory.parent)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert demo.stdout is not None
    next(line for line in demo.stdout if line.startswith(chapter))
    time.sleep(1.5)
    return demo


def _eventually_none(place: LabPlace) -> list[str]:
    """Give what is left when what was running has had the time to see that all is gone."""
    deadline = time.monotonic() + 60.0
    while (left := traces(place)) and time.monotonic() < deadline:
        time.sleep(0.5)
    return left


def _herder(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "herder", *words], capture_output=True, text=True, check=False
    )
