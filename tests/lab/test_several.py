"""A playbook with more than one application is refused before the first one changes anything."""

from __future__ import annotations

import pytest

from tests.support.lab_site import LabSite

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]

USAGE = 5
TWO_PLAYS = """
- hosts: web1
  roles: [herder.deploy.app]
- hosts: web2:web3
  roles: [herder.deploy.app]
"""
TWO_ROLES = """
- hosts: lab
  roles:
    - role: herder.deploy.app
      vars: {deploy_current_dir: one}
    - role: herder.deploy.app
      vars: {deploy_current_dir: two}
"""


@pytest.mark.parametrize("playbook", [TWO_PLAYS, TWO_ROLES])
def test_a_second_application_is_refused_before_the_first_one_switches(
    site: LabSite, playbook: str
) -> None:
    """The guards of the second one would take it back when all was done."""
    (site.plays.folder / "deploy.yml").write_text(playbook)

    said = site.deploy("r1", code=USAGE)

    assert "a deployment is one application" in said
    assert site.plays.inside("web1", f"ls {site.root}") == ""


def test_one_of_two_plays_may_be_chosen_by_its_hosts(site: LabSite) -> None:
    """What has no hosts deploys nothing."""
    (site.plays.folder / "deploy.yml").write_text(TWO_PLAYS)

    site.deploy("r1", "--limit", "web2:web3")

    assert site.current() == ["", "r1", "r1"]
