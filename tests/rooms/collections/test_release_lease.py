"""The lease: one holder, ends by itself, and numbers that only go up."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.herder.deploy.plugins.module_utils import release_lease as leases
from ansible_collections.herder.deploy.plugins.module_utils.release_layout import (
    DeployError,
    Layout,
)

ANN = {"owner": "ann@laptop:1", "user": "ann", "host": "laptop", "why": "", "release": "r1"}
BOB = {"owner": "bob@ci:2", "user": "bob", "host": "ci", "why": "", "release": "r2"}


@pytest.fixture
def layout(tmp_path: Path) -> Any:
    """Give a host on which nothing was ever deployed."""
    return Layout(str(tmp_path / "site"))


def at(seconds: float, boot_id: str = "boot") -> Any:
    """Give a moment so many seconds after the beginning."""
    return leases.Moment(1000.0 + seconds, 10.0 + seconds, boot_id)


def test_second_deployer_is_told_who_holds(layout: Any) -> None:
    """The text is what a person reads who has to wait."""
    leases.acquire(layout, dict(ANN, progress="switching 3 of 6"), 30.0, at(0))

    taken, lease = leases.acquire(layout, BOB, 30.0, at(1))

    assert not taken
    text = str(leases.held_by_other(lease, at(1)))
    assert "ann on laptop is deploying here" in text
    assert "r1, switching 3 of 6" in text
    assert "ends in 29 s" in text


def test_lease_ends_by_itself_and_the_number_goes_up(layout: Any) -> None:
    """A controller that was killed must not lock the fleet."""
    first = leases.acquire(layout, ANN, 30.0, at(0))[1]

    taken, second = leases.acquire(layout, BOB, 30.0, at(30))

    assert taken
    assert second["token"] > first["token"]


def test_same_owner_gets_its_lease_and_number_again(layout: Any) -> None:
    """The answer to the first order may have been lost on the way."""
    first = leases.acquire(layout, ANN, 30.0, at(0))[1]

    taken, again = leases.acquire(layout, ANN, 30.0, at(20))

    assert taken
    assert again["token"] == first["token"]
    assert leases.remaining(again, at(20)) == 30.0


def test_renewing_works_after_the_end_while_nobody_else_came(layout: Any) -> None:
    """A slow heartbeat alone must not fail a deployment; the number proves nobody was between."""
    token = leases.acquire(layout, ANN, 30.0, at(0))[1]["token"]

    lease = leases.renew(layout, token, at(100), {"progress": "2 of 4"})

    assert leases.is_live(lease, at(129))
    assert lease["progress"] == "2 of 4"


def test_renewing_a_lease_that_another_one_took_is_refused(layout: Any) -> None:
    """The old owner must learn that it is out."""
    token = leases.acquire(layout, ANN, 30.0, at(0))[1]["token"]
    leases.acquire(layout, BOB, 30.0, at(31))

    with pytest.raises(DeployError) as refused:
        leases.renew(layout, token, at(32), {})

    assert refused.value.reference == "stale-token"
    assert "bob@ci:2" in refused.value.message


def test_numbers_go_up_over_released_leases_too(layout: Any) -> None:
    """Fencing needs numbers that never come twice."""
    tokens = []
    for _round in range(3):
        token = leases.acquire(layout, ANN, 30.0, at(0))[1]["token"]
        leases.release(layout, token)
        tokens.append(token)

    assert tokens == [1, 2, 3]
    assert not os.path.exists(layout.lease)


def test_releasing_anothers_lease_does_nothing(layout: Any) -> None:
    """A refused deployer's clean-up must not unlock the one at work."""
    leases.acquire(layout, ANN, 30.0, at(0))

    assert leases.release(layout, 99) is False
    assert leases.holder(layout)["owner"] == ANN["owner"]


def test_breaking_takes_only_the_lease_that_was_shown(layout: Any) -> None:
    """Between showing and breaking, somebody else may have acquired."""
    old = leases.acquire(layout, ANN, 30.0, at(0))[1]["token"]
    new = leases.acquire(layout, BOB, 30.0, at(31))[1]["token"]

    with pytest.raises(DeployError):
        leases.break_lease(layout, old, at(32))
    assert leases.break_lease(layout, new, at(32))["owner"] == BOB["owner"]

    with pytest.raises(DeployError):
        leases.check_fence(layout, new, at(33))


def test_command_without_a_number_is_refused_while_somebody_holds(layout: Any) -> None:
    """A playbook run by hand must not get between a deployment's steps."""
    leases.acquire(layout, ANN, 30.0, at(0))

    with pytest.raises(DeployError) as refused:
        leases.check_fence(layout, None, at(1))

    assert refused.value.reference == "lease-held"
    leases.check_fence(layout, None, at(31))


def test_one_number_for_a_fleet(layout: Any) -> None:
    """The controller asks for a number above all hosts' and passes one to the playbook."""
    lease = leases.acquire(layout, ANN, 30.0, at(0), at_least=41)[1]

    assert lease["token"] == 41
    assert leases.acquire(layout, ANN, 30.0, at(1), at_least=50)[1]["token"] == 50


def test_setting_the_clock_neither_ends_nor_prolongs_a_lease(layout: Any) -> None:
    """Time of day may jump; the boot clock does not, and a restart falls back on time of day."""
    lease = leases.acquire(layout, ANN, 30.0, at(0))[1]
    jumped = leases.Moment(999999.0, 20.0, "boot")
    restarted = leases.Moment(1010.0, 0.5, "another boot")

    assert leases.remaining(lease, jumped) == 20.0
    assert leases.remaining(lease, restarted) == 20.0


def test_a_cut_lease_file_is_free_but_its_number_is_kept(layout: Any) -> None:
    """A power cut may leave an empty file."""
    leases.acquire(layout, ANN, 30.0, at(0))
    Path(layout.lease).write_text("")

    taken, lease = leases.acquire(layout, BOB, 30.0, at(1))

    assert taken
    assert lease["token"] == 2


def _try_once(root: str, owner: str) -> bool:
    taken, _lease = leases.acquire(Layout(root), dict(ANN, owner=owner), 60.0, leases.this_moment())
    return bool(taken)


def test_of_many_deployers_at_once_one_wins(layout: Any) -> None:
    """Acquiring is atomic between processes."""
    layout.prepare()
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        jobs = [(layout.root, f"owner {number}") for number in range(12)]
        winners = pool.starmap(_try_once, jobs, chunksize=1)

    assert winners.count(True) == 1
