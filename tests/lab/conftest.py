"""One lab of three machines for all tests of this folder, and what plays on it."""

from __future__ import annotations

import itertools
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from herder.lab import faults, lab
from herder.lab.machines import Machines
from herder.lab.place import lab_place
from herder.lab.state import Kind
from tests.support.lab_plays import LabPlays
from tests.support.lab_site import HERDER_ROLE, HOSTS, LabSite

_NUMBERS = itertools.count(1)


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


@pytest.fixture
def role() -> str:
    """Give the deploy role of `site`; a test that is for others too gives it by parameters."""
    return HERDER_ROLE


@pytest.fixture
def site(plays: LabPlays, role: str) -> Iterator[LabSite]:
    """Give a site that was never deployed; what still deploys it afterwards is ended."""
    if role != HERDER_ROLE and not Path(role).is_dir():
        pytest.skip(f"no role in {role}")
    site = LabSite(plays, f"site{next(_NUMBERS)}", role)
    site.make()
    yield site
    site.end()


@pytest.fixture
def served(site: LabSite) -> LabSite:
    """Give a site that serves release r1 on every machine."""
    site.push("one")
    # one batch: what is tested comes after it
    site.deploy("r1", batch=len(HOSTS))
    return site


@pytest.fixture
def cable(machines: Machines) -> Iterator[Machines]:
    """Give machines of which web3 may be cut off; it is back afterwards."""
    yield machines
    faults.restore_network(machines, "web3")
