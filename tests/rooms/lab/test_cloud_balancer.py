"""HAProxy as the cloud's load balancer, where it does not say what it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from herder.errors import LabError
from herder.lab.cloud_balancer import Balancer
from herder.lab.cloud_hands import CloudHands
from herder.lab.place import lab_place
from herder.lab.processes import Processes


@dataclass(frozen=True, slots=True)
class HandsThatHear(CloudHands):
    """Every command on a server prints the same."""

    said: str

    def command(self, name: str, command: str) -> str:
        return self.said


@pytest.mark.parametrize("said", ["", "Permission denied\n"])
def test_balancer_that_tells_nothing_is_none_without_servers(said: str, tmp_path: Path) -> None:
    """socat ends well when HAProxy hangs: all targets passed for healthy, as if it had none."""
    hands = HandsThatHear(Processes(lab_place("x", tmp_path)), said)

    with pytest.raises(LabError, match="HAProxy gives no statistics"):
        Balancer(hands, "balancer").members("site")


def test_servers_of_other_backends_are_no_members(tmp_path: Path) -> None:
    """A target group is one backend."""
    said = "# pxname,svname,status,scur\nsite,i-1,UP,2\nother,i-2,UP,0\nsite,BACKEND,UP,2\n"
    hands = HandsThatHear(Processes(lab_place("x", tmp_path)), said)

    members = Balancer(hands, "balancer").members("site")

    assert [(each.name, each.sessions) for each in members.values()] == [("i-1", 2)]
