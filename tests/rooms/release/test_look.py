"""What only looks at a fleet, over a fleet in memory."""

from __future__ import annotations

from herder.release.look import find_plan
from tests.support.fake_fleet import FakeFleet


def test_plan_names_who_holds_the_hosts() -> None:
    """The deployment would be refused; a plan that says nothing of it is not true."""
    fleet = FakeFleet([("a",), ("b",)])
    fleet.hosts["b"].owner = "mia/1"

    plan = find_plan(fleet)

    (finding,) = plan.findings
    assert finding[0] == "b"
    assert "mia/1 on " in finding[1]
