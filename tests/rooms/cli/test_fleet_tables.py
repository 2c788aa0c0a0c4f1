"""Tables about a fleet: what stands in them has to be true of the moment."""

from __future__ import annotations

from herder.cli.fleet_tables import BESIDE, releases_table, story_table
from herder.display.table import Tone
from herder.model.fleet import DeploymentStory
from herder.model.releases import HostReleases

RECORDS = (
    {"name": "r1", "is_usable": True, "state": "finished"},
    {"name": "half", "is_usable": False, "state": "unfinished"},
    {"name": "r2", "is_usable": True, "state": "finished"},
)


def test_half_release_is_not_told_as_one_that_a_host_has() -> None:
    """What a killed deployment left is not something to go back to."""
    hosts = {"web1": HostReleases("web1", current="r2", releases=RECORDS)}

    (row,) = releases_table(hosts).rows

    assert row.cells[-2:] == ("whole", "half (unfinished), r1")
    assert row.tone is Tone.PLAIN


def test_release_that_a_host_will_leave_by_itself_is_told_as_such() -> None:
    """The controller was lost after the switch: in some minutes the guard goes back."""
    hosts = {"web1": HostReleases("web1", current="r2", releases=RECORDS, is_pending=True)}

    (row,) = releases_table(hosts).rows

    assert row.cells[-2] == "not confirmed"
    assert row.tone is Tone.NOTICE


def test_release_of_the_same_name_and_other_code_stands_out() -> None:
    """Deployed by parts under one name, with a push in between: the fleet serves two sites."""
    hosts = {
        host: HostReleases(host, current="r1", releases=({"name": "r1", "commit": digit * 40},))
        for host, digit in (("web1", "a"), ("web2", "a"), ("web3", "b"))
    }

    *rows, odd = releases_table(hosts).rows

    assert {row.tone for row in rows} == {Tone.PLAIN}
    assert odd.cells[-2] == "whole, other code than most"
    assert odd.tone is Tone.NOTICE


def test_play_that_failed_after_the_deployment_is_told_below_its_table() -> None:
    """The table says that all is done, and the command ends with a failure."""
    story = DeploymentStory("r1", "", is_done=True, hosts=())

    assert story_table(story, exit_code=2).notes == (BESIDE,)
    assert story_table(story).notes == ()


def test_release_without_a_commit_has_none_in_the_tables() -> None:
    """What rsync brought is known by the release's name, which is no commit."""
    record = {"name": "r1", "commit": "r1", "state": "finished"}
    seen = HostReleases("web1", current="r1", releases=(record,))

    told = story_table(DeploymentStory("r1", "r1", is_done=True, hosts=()))
    row = releases_table({"web1": seen}).rows[0]

    assert "commit" not in told.title
    assert row.cells[2] == "-"
