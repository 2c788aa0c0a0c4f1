"""One host's disk is full, before a deployment or in the middle of it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.support.lab_site import ANSISTRANO_ROLE, HERDER_ROLE, LabSite

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]

MEGABYTES = 40


@pytest.fixture
def small(site: LabSite) -> Iterator[LabSite]:
    """Give a site that serves r1; its folder on web3 is a small file system."""
    mount = f"mkdir -p {site.root} && mount -t tmpfs -o size={MEGABYTES}m tmpfs {site.root}"
    site.plays.inside("web3", mount)
    site.push("one")
    site.deploy("r1")
    yield site
    site.plays.inside("web3", f"umount -l {site.root}")


@pytest.mark.slow
def test_a_full_disk_is_found_before_anything_changes(small: LabSite) -> None:
    """Not when two hosts have switched; the file that could not be written is named."""
    small.plays.inside("web3", f"head -c {MEGABYTES}M /dev/zero > {small.root}/filling")

    said = small.deploy("r2", code=2)

    assert "nothing was changed" in said
    assert f"web3  {small.root}/.herder/token: No space left on device" in said
    assert "\n  web1  " not in said
    assert small.look("ls releases") == ["r1"] * 3


def test_a_disk_with_too_little_room_is_found_before_anything_changes(small: LabSite) -> None:
    """There is room for a lease and not for a release."""
    filling = (MEGABYTES - 10) << 20
    small.plays.inside("web3", f"head -c {filling} /dev/zero > {small.root}/filling")

    said = small.deploy("r2", code=2)

    assert "nothing was changed" in said
    assert re.search(rf"\n  web3  \S+ MiB free in {small.root}/releases, needs 1[67] MiB", said), (
        said
    )
    assert "\n  web1  " not in said
    assert small.look("ls releases") == ["r1"] * 3


@pytest.mark.slow
@pytest.mark.parametrize(
    "role",
    [
        pytest.param(HERDER_ROLE, id="herder"),
        pytest.param(str(ANSISTRANO_ROLE), id="ansistrano"),
    ],
)
def test_a_disk_that_fills_while_it_is_staged_switches_nobody(small: LabSite) -> None:
    """The half release gives its space back, so that the next one has a chance."""
    small.plays.inside("web1", f"cd /srv/git/site && head -c {MEGABYTES}M /dev/urandom > large")
    small.push("two")
    free = f"df --output=avail {small.root} | tail -1"

    said = " ".join(small.deploy("r2", code=2).split())
    small.plays.inside("web1", "cd /srv/git/site && git reset -q --hard HEAD~1")

    assert small.current() == ["r1"] * 3
    assert small.look("ls releases; ls .herder/unfinished") == ["r1"] * 3, said
    assert "No space left on device" in said
    assert "web3" in said
    assert f"{small.root}/" in said
    if small.role == HERDER_ROLE:  # what git left in Ansistrano's own clone is Ansistrano's
        assert int(small.plays.inside("web3", free)) > MEGABYTES * 1024 * 0.3
