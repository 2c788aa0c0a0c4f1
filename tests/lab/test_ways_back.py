"""The way back, when it goes wrong itself: what a host needs to get home is never lost."""

from __future__ import annotations

import pytest

from tests.support.lab_site import LabSite

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]


def test_a_rollback_that_fails_on_a_host_leaves_it_the_release_to_go_back_to(
    served: LabSite,
) -> None:
    """A full disk, a wrong owner: it must be possible to try again."""
    served.deploy("r2")
    served.plays.inside("web2", f"cd {served.root} && rmdir shared && touch shared")

    served.run(command="rollback", code=2)

    assert served.look("ls releases") == ["r1\nr2"] * 3
