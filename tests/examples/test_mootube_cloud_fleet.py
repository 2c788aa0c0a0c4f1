"""A fleet that grows, shrinks, loses servers and gets them back, by the commands a person gives."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from herder.lab import lab
from herder.lab.mootube import find_example
from herder.lab.mootube_cloud import CloudSite, bring_up
from herder.lab.place import lab_place
from tests.support.cloud_plays import HAS_EXTRAS, CloudPlays, Said
from tests.support.lab_traces import traces

pytestmark = [
    pytest.mark.lab,
    pytest.mark.slow,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(not HAS_EXTRAS, reason="needs the extras cloud and aws"),
]


@dataclass(frozen=True, slots=True)
class Fleet:
    """MooTube on two instances, and the commands that change it."""

    site: CloudSite
    plays: CloudPlays

    def herder(self, *words: str) -> Said:
        """Run a command of Herder's with both inventories and the site's variables."""
        site = self.site.site
        inventories = [word for name in site.inventories for word in ("-i", name)]
        extra = ("-e", json.dumps(dict(site.variables)))
        return self.plays.herder(*words, *inventories, *site.options, *extra)

    def done(self, *words: str) -> str:
        said = self.herder(*words)
        assert said.exit_code == 0, said.text
        return said.output

    def commit(self, *options: str) -> None:
        maker = find_example().repository_maker
        words = [sys.executable, str(maker), str(self.site.repository), *options]
        subprocess.run(words, check=True, capture_output=True)

    def names(self) -> list[str]:
        """Give the web servers that run, the oldest first."""
        running = [found for found in self.plays.living() if found.state == "running"]
        return [found.id for found in running if found.name == "mootube-web"]

    def answering(self) -> dict[str, str]:
        """Ask the balancer; give the release of each server that answered, all without error."""
        door = self.site.door
        words = (
            "hit",
            f"http://{door.name}/",
            "--resolve",
            f"{door.name}:{door.address}",
            "--json",
        )
        said = self.plays.herder(*words, "-n", "40")
        assert said.exit_code == 0, said.text
        return {each["host"]: each["release"] for each in json.loads(said.output)["servers"]}

    def releases(self) -> dict[str, Any]:
        known: dict[str, Any] = json.loads(self.done("releases", "deploy.yml", "--json"))
        return known

    def aws(self, what: str, name: str, state: str) -> None:
        """Do something to an instance, and wait for what comes of it."""
        assert self.plays.aws("ec2", what, "--instance-ids", name).exit_code == 0
        deadline = time.monotonic() + 90.0
        query = ("--instance-ids", name, "--query", "Reservations[0].Instances[0].State.Name")
        while self.plays.aws("ec2", "describe-instances", *query).output.strip() != state:
            assert time.monotonic() < deadline


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Give two web servers with a release; a test leaves two with one and the same."""
    place = lab_place("fleet", tmp_path_factory.mktemp("labs"))
    site = bring_up(place, find_example())
    try:
        there = Fleet(site, CloudPlays(place, site.cloud))
        there.done("scale", "2")
        there.done("playbook", "playbook.yml", "-l", "database,loadbalancer")
        there.commit()
        there.done("deploy", "deploy.yml")
        yield there
    finally:
        lab.down(place)
    assert traces(place) == []


def test_four_and_two_again_without_one_who_was_in(fleet: Fleet) -> None:
    """The newest leave, and every server that is in has the release of the others."""
    before = fleet.names()

    fleet.done("scale", "4")
    four = fleet.answering()
    said = fleet.done("scale", "2")
    two = fleet.answering()

    assert len(four) == 4
    assert len(set(four.values())) == 1
    assert "drained and terminated" in said
    assert sorted(two) == sorted(fleet.names()) == sorted(before)


def test_server_whose_removal_broke_off_gets_visitors_again(fleet: Fleet) -> None:
    """It was drained, then somebody thought better of it; `scale` said that it is in use."""
    words = f"socket=/run/haproxy/admin.sock backend=mootube server={fleet.names()[0]} state=drain"
    fleet.done("run", "balancer", "-m", "herder.deploy.haproxy_server", "-a", words)

    fleet.done("scale", "2")

    assert sorted(fleet.answering()) == sorted(fleet.names())


def test_stopped_server_is_not_touched_and_catches_up(fleet: Fleet) -> None:
    """Somebody stopped it for a reason; when it is back, it lacks what came meanwhile."""
    stays, stopped = fleet.names()
    fleet.aws("stop-instances", stopped, "stopped")

    fleet.commit("--second")
    fleet.done("deploy", "deploy.yml", "--release", "meanwhile")
    without = fleet.releases()
    state = [found.state for found in fleet.plays.living() if found.id == stopped]
    fleet.aws("start-instances", stopped, "running")
    said = fleet.done("deploy", "deploy.yml", "--catch-up")

    assert stopped not in json.dumps(without)
    assert state == ["stopped"]
    assert "meanwhile" in said
    assert fleet.answering() == {stays: "meanwhile", stopped: "meanwhile"}


def test_terminated_server_is_gone_from_the_next_run(fleet: Fleet) -> None:
    """Nobody edits an inventory for it, and `scale` replaces it."""
    stays, gone = fleet.names()
    fleet.aws("terminate-instances", gone, "terminated")

    known = json.dumps(fleet.releases())
    fleet.done("scale", "2")

    assert gone not in known
    assert stays in known
    assert sorted(fleet.answering()) == sorted(fleet.names())
    assert stays in fleet.names()


def test_wrong_configuration_is_found_and_its_end_too(fleet: Fleet) -> None:
    """What bites on two servers is seen before it bites, with what to do."""
    wrong = fleet.names()[-1]

    fleet.done("playbook", "wrong.yml")
    said = fleet.herder("check", "deploy.yml", "--json")
    shown = fleet.herder("check", "deploy.yml").text
    fleet.done("playbook", "wrong.yml", "-e", "right=true")
    fleet.done("playbook", "playbook.yml")
    after = fleet.herder("check", "deploy.yml")

    found = json.loads(said.output)
    assert said.exit_code == 2
    assert {
        "database on the server itself",
        "sessions on local disk",
        "uploads on local disk",
        "cache keys hold the release",
        "anybody's X-Forwarded-For is believed",
        "health address proves nothing",
        "different configuration files",
    } <= {each["what"] for each in found if each["host"] == wrong}
    assert all(each["evidence"] and each["why"] and each["todo"] for each in found)
    assert all(each["why"] in shown and each["todo"] in shown for each in found)
    assert after.exit_code == 0, after.text
