"""MooTube's inventory on a lab, and what it needs there."""

from __future__ import annotations

import configparser
from pathlib import Path

from herder.lab.mootube import (
    Cast,
    Staging,
    choose_cast,
    find_example,
    free_ports,
    machine_lines,
    process_lines,
)
from herder.lab.place import lab_place
from herder.lab.state import Kind, LabState, Server


def _groups(lines: list[str]) -> dict[str, list[str]]:
    parser = configparser.ConfigParser(allow_no_value=True, delimiters=(" ",))
    parser.read_string("\n".join(lines))
    return {name: list(parser[name]) for name in parser.sections()}


def test_machines_have_the_groups_of_the_examples_own_inventory() -> None:
    """What is shown on a lab must be what people find in hosts.ini."""
    own = (find_example().ansible_folder / "hosts.ini").read_text().splitlines()

    assert _groups(machine_lines()) == _groups([line for line in own if line[:1] != ";"])


def test_processes_need_neither_balancer_nor_database_server(tmp_path: Path) -> None:
    """They share a folder with SQLite, and each has its own port."""
    staging = Staging(lab_place("lab", tmp_path), Cast(Kind.PROCESSES, "", ()), (8001, 8002))

    groups = _groups(process_lines(staging, "/usr/bin/python3"))

    assert (groups["database"], groups["loadbalancer"]) == ([], [])
    assert groups["processes"] == ["web1", "web2"]


def test_visitors_of_machines_ask_the_balancer(tmp_path: Path) -> None:
    """A server's own door would not show what a balancer does."""
    cast = Cast(Kind.MACHINES, "", ())
    servers = (
        Server("web1", 1, "10.83.7.11", 22, "root", ""),
        Server("balancer", 4, "10.83.7.14", 22, "root", ""),
    )
    state = LabState("lab", Kind.MACHINES, "", servers=servers)

    doors = Staging(lab_place("lab", tmp_path), cast).doors(state)

    assert [(door.address, door.port) for door in doors] == [("10.83.7.14", 80)]


def test_processes_are_two_web_servers() -> None:
    """Anybody can run them: no root, no packages."""
    cast = choose_cast(Kind.PROCESSES)

    assert (cast.names, cast.database) == (("web1", "web2"), "SQLite in one shared folder")


def test_free_ports_differ() -> None:
    """Two sites on one port would be one site."""
    assert len(set(free_ports(5))) == 5
