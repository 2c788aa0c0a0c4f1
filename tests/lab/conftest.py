"""One lab of three machines for all tests of this folder, and what plays on it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import pytest

from herder.lab import lab
from herder.lab.machines import Machines
from herder.lab.place import lab_place
from herder.lab.state import Kind
from tests.support.lab_plays import LabPlays


@pytest.fixture(scope="session")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    """Give web1, web2 and web3; a test leaves them as they were."""
    place = lab_place("plays", tmp_path_factory.mktemp("labs"))
    lab.up(place, 3, kind=Kind.MACHINES)
    yield Machines(place)
    lab.down(place)


@pytest.fixture
def plays(machines: Machines, tmp_path_factory: pytest.TempPathFactory) -> LabPlays:
    """Give what runs plays on the machines from a folder of this test's own."""
    return LabPlays(machines, tmp_path_factory.mktemp("plays"))


@pytest.fixture
def secret_file(plays: LabPlays) -> str:
    """Give the name of a vault file beside the playbooks; its password is 'right'."""
    (plays.folder / "right").write_text("right\n")
    (plays.folder / "wrong").write_text("wrong\n")
    secret = plays.folder / "secret.yml"
    secret.write_text(json.dumps({"hidden": "value"}))
    words = ["encrypt", "--vault-password-file", "right", secret.name]
    subprocess.run(
        [plays.program("ansible-vault"), *words], cwd=plays.folder, check=True, capture_output=True
    )
    return secret.name
