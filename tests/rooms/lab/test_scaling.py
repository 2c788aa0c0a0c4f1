"""How many web servers an inventory has, and what is no number of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret

from herder.errors import LabError, UsageError
from herder.lab.passwords import VaultPassword
from herder.lab.scaling import (
    Servers,
    Site,
    Teller,
    check_number,
    check_reached,
    scale,
    servers_of,
    way_on,
    web_servers,
)
from herder.model.secret import Secret

_DOCUMENT = {
    "_meta": {
        "hostvars": {
            "i-2": {"ec2_launch_time": "2024-02-02T00:00:00+00:00"},
            "i-1": {"ec2_launch_time": "2024-01-01T00:00:00+00:00"},
            "web1": {"ansible_host": "10.0.0.1"},
        }
    },
    "webserver": {"children": ["local", "aws"]},
    "local": {"hosts": ["web1"]},
    "aws": {"hosts": ["i-2", "i-1"]},
    "database": {"hosts": ["db"]},
}


def test_instances_come_by_age() -> None:
    """The newest leave first: the oldest has served longest."""
    assert servers_of(_DOCUMENT) == Servers(("web1",), ("i-1", "i-2"))


def test_empty_inventory_has_no_servers() -> None:
    """A tag that matches nothing is no error of itself: the first servers are made so."""
    assert len(servers_of({"_meta": {"hostvars": {}}})) == 0


@pytest.mark.parametrize("wanted", [0, 1])
def test_fewer_than_those_that_stay_is_refused(wanted: int) -> None:
    """A server that is no instance cannot be terminated."""
    with pytest.raises(UsageError, match="web1, web2"):
        check_number(Servers(("web1", "web2"), ("i-1",)), wanted)


def test_last_server_stays() -> None:
    """Nobody scales a site to nothing by mistake."""
    with pytest.raises(UsageError, match="at least 1"):
        check_number(Servers((), ("i-1",)), 0)


@pytest.mark.parametrize("wanted", [1, 3])
def test_another_number_at_the_end_is_no_success(wanted: int) -> None:
    """Two who scale at once had six servers for four, and exit code 0."""
    with pytest.raises(LabError, match=f"2 web servers are there at the end, {wanted} were asked"):
        check_reached(Servers(("web1",), ("i-1",)), wanted)


def test_who_gives_up_is_told_how() -> None:
    """Servers that visitors may know of already are drained first; the last ones cannot be."""
    assert way_on(("i-2", "i-3"), before=1).endswith("herder scale 1, which removes i-2 i-3")
    assert way_on(("i-2",), before=0).endswith("terminate-instances --instance-ids i-2")


@pytest.mark.timeout(60)
async def test_servers_that_the_inventory_does_not_show_are_named(tmp_path: Path) -> None:
    """They are in another region than it asks: paid for, and nobody knew which they were."""
    (tmp_path / "hosts.ini").write_text("[webserver]\nweb1\n")
    text = "remove: aws ec2 terminate-instances --instance-ids i-7"
    task = f"    - debug: {{msg: '{text}'}}\n"
    (tmp_path / "aws.yml").write_text(f"- hosts: localhost\n  gather_facts: no\n  tasks:\n{task}")
    site = Site(tmp_path, ("hosts.ini",))

    with pytest.raises(LabError, match="0 of 1 new servers are in the inventory") as failure:
        await scale(site, 2, Teller(lambda step: None, lambda task: None))

    assert text in failure.value.message


@pytest.mark.timeout(60)
async def test_who_cannot_remove_is_told_how_to_keep(tmp_path: Path) -> None:
    """A drain that did not end left the server without visitors, and no word of that."""
    (tmp_path / "hosts.ini").write_text("[webserver]\nweb1\ni-1 ec2_launch_time=2024\n")
    (tmp_path / "remove.yml").write_text("- hosts: nobody\n  roles: [missing]\n")
    site = Site(tmp_path, ("hosts.ini",))

    with pytest.raises(LabError, match="remove") as failure:
        await scale(site, 1, Teller(lambda step: None, lambda task: None))

    assert failure.value.hint.endswith("to keep i-1: herder scale 2")


@pytest.mark.timeout(60)
async def test_inventory_may_have_encrypted_variables(tmp_path: Path) -> None:
    """The playbooks could read them, and counting the servers ended in an error."""
    (tmp_path / "hosts.ini").write_text("[webserver]\nweb1\n")
    (tmp_path / "group_vars").mkdir()
    vault = VaultLib([("default", VaultSecret(b"hay"))])
    (tmp_path / "group_vars" / "webserver.yml").write_bytes(vault.encrypt(b"barn: red\n"))
    password = VaultPassword("", Secret("hay"))

    there = await web_servers(Site(tmp_path, ("hosts.ini",), passwords=(password,)))

    assert there == Servers(("web1",), ())
