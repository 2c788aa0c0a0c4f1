"""The controller dies by kill -9, at moments drawn by lot: every host goes on with a whole release.

Sites of their own are deployed at the same time, as a killed deployer's lease lasts half a minute.
A failure is repeated with the seed that it prints: TEST_SEED=SEED.
"""

from __future__ import annotations

import contextlib
import os
import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.lab_plays import LabPlays
from tests.support.lab_site import ANSISTRANO_ROLE, HERDER_ROLE, LabSite

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

SEED = int(os.environ.get("TEST_SEED") or random.SystemRandom().randrange(1 << 30))
WAIT = ("--wait", "200")


ROLES = [
    pytest.param(HERDER_ROLE, id="herder"),
    pytest.param(str(ANSISTRANO_ROLE), id="ansistrano", marks=pytest.mark.slow),
]


@pytest.mark.parametrize("role", ROLES)
def test_controller_killed_at_a_few_moments(plays: LabPlays, role: str) -> None:
    """One in each part of a deployment: while it looks, stages, switches."""
    lot = random.Random(SEED)
    with _sites(plays, role, 3) as sites:
        usual = _deploy_first(sites)
        moments = [usual * (part + lot.uniform(0.1, 0.9)) / 3 for part in range(3)]

        _kill_at(sites, moments, "x")


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("role", ROLES)
def test_controller_killed_at_twenty_moments(plays: LabPlays, role: str) -> None:
    """Every host serves a whole release then, visitors see no gap, the next deployment succeeds."""
    lot = random.Random(SEED)
    with _sites(plays, role, 4) as sites, contextlib.ExitStack() as visits:
        usual = _deploy_first(sites)
        answers = [visits.enter_context(site.visited()) for site in sites]

        for turn in "abcde":
            _kill_at(sites, [lot.uniform(0.05, usual) for _ in sites], turn)

    assert [each.failures for each in answers] == [[]] * 4, SEED
    assert all(each.asked > 1000 for each in answers)


@contextlib.contextmanager
def _sites(plays: LabPlays, role: str, count: int) -> Iterator[list[LabSite]]:
    """Give sites on the same machines, of one playbook and one repository."""
    if role != HERDER_ROLE and not Path(role).is_dir():
        pytest.skip(f"no role in {role}")
    name = plays.folder.name
    sites = [LabSite(plays, f"{name}-{number}", role) for number in range(count)]
    sites[0].make()
    yield sites
    for site in sites:
        site.end()


def _deploy_first(sites: Sequence[LabSite]) -> float:
    """Deploy all twice; how long the second, usual deployment takes."""
    for release in ("first", "usual"):
        sites[0].push_many(release)
        began = time.monotonic()
        _all_deploy(sites, release)
    return time.monotonic() - began


def _all_deploy(sites: Sequence[LabSite], release: str, *words: str, **given: object) -> None:
    with ThreadPoolExecutor() as threads:
        list(threads.map(lambda site: site.deploy(release, *words, **given), sites))


def _kill_at(sites: Sequence[LabSite], moments: Sequence[float], turn: str) -> None:
    """Kill each site's deployment at its second; look at the hosts; deploy all again."""
    said = f"seed {SEED}, turn {turn}: {' '.join(f'{moment:.2f}' for moment in moments)} s"
    print(said)  # noqa: T201 - a failure can be repeated with it
    before = sites[0].whole()[0]
    sites[0].push_many(f"killed-{turn}")
    with ThreadPoolExecutor() as threads:
        list(threads.map(lambda site, moment: _kill(site, turn, moment), sites, moments))
    for site in sites:
        assert set(site.whole()) <= {before, f"killed-{turn} killed-{turn}"}, said

    sites[0].push_many(f"next-{turn}")
    _all_deploy(sites, f"next-{turn}", *WAIT, deploy_keep_releases=3)

    for site in sites:
        assert site.whole() == [f"next-{turn} next-{turn}"] * 3, said
        assert site.half_built() == "", said


def _kill(site: LabSite, turn: str, moment: float) -> None:
    process = site.start("--release", f"killed-{turn}")
    time.sleep(moment)
    process.kill()
    process.communicate()
