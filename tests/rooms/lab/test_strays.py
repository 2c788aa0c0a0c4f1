"""Programs that a process server's sessions left running."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from herder.lab.daemon import end_daemons
from herder.lab.place import lab_place
from herder.lab.strays import strays

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def test_program_left_running_in_a_servers_home_is_ended(tmp_path: Path) -> None:
    """A site that a playbook started must not outlive its lab."""
    place = lab_place("lab", tmp_path)
    home = place.server_directory("web1") / "home"
    left = subprocess.Popen(["sleep", "60"], env={"HOME": str(home)})

    found = strays(place)
    end_daemons(place)

    assert (found, left.wait(timeout=5)) == ([left.pid], -15)


def test_program_of_another_lab_is_left_alone(tmp_path: Path) -> None:
    """Names of labs may begin alike."""
    other = lab_place("lab2", tmp_path).server_directory("web1") / "home"
    left = subprocess.Popen(["sleep", "60"], env={"HOME": str(other)})

    found = strays(lab_place("lab", tmp_path))
    left.kill()
    left.wait()

    assert found == []
