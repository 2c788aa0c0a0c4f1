"""What stands in the way of a deployment, host by host."""

from __future__ import annotations

from pathlib import Path

import pytest

from herder.model.fleet import RoleKind
from herder.release.clocks import Asked
from herder.release.preflight import find, wrong
from tests.support.module_fleet import ModuleFleet


@pytest.mark.parametrize(
    ("epoch", "text"),
    [
        (1000.0, ""),
        (1007.9, ""),
        (1014.0, "+6.0 s"),
        (990.0, "-10.0 s"),
    ],
)
def test_clock_is_held_against_all_the_time_of_the_question(epoch: float, text: str) -> None:
    """A module that had to wait for its turn for 8 s is no sign of a wrong clock."""
    asked = Asked(began=1000.0, ended=1008.0)

    said = wrong({"failures": [], "epoch": epoch}, asked)

    assert len(said) == bool(text)
    assert text in "".join(said)


def test_host_that_gives_no_answer_is_in_the_way() -> None:
    """Silence is no consent."""
    assert wrong({}, Asked(0.0, 1.0)) == ("no answer",)


def test_hosts_own_clock_is_read_from_the_real_module(tmp_path: Path) -> None:
    """The names in question and answer fit those of the module."""
    fleet = ModuleFleet(tmp_path, [("web1",)])

    assert find(fleet, ["web1"]) == ()


def test_release_that_is_copied_over_the_one_that_serves_is_refused(tmp_path: Path) -> None:
    """Such a host could not go back; and its play would end well without a switch."""
    fleet = ModuleFleet(tmp_path, [("web1",)], ansistrano_current_via="rsync")
    fleet.role = RoleKind.ANSISTRANO

    assert find(fleet, ["web1"]) == (
        ("web1", "ansistrano_current_via is 'rsync', expected 'symlink'"),
    )
