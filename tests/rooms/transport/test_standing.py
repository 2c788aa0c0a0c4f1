"""transport/standing.py: where a connection stands that the next run may use."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from herder.model.route import SshWay
from herder.model.secret import Secret
from herder.transport.ssh import looked_at, ssh_program
from herder.transport.standing import give_up


def place_in(way: SshWay) -> str | None:
    """Give the value of ControlPath in ssh's words."""
    found = [word for word in ssh_program(way, "true").argv if word.startswith("ControlPath=")]
    return found[0].partition("=")[2].strip('"') if found else None


def test_only_the_very_same_way_finds_a_connection_again(tmp_path: Path) -> None:
    """The same address behind another jump host is another server."""
    way = SshWay("10.0.0.1", user="mia", standing_directory=str(tmp_path / "cp"))
    other: list[dict[str, object]] = [
        {"address": "10.0.0.2"},
        {"user": "bob"},
        {"port": 2222},
        {"arguments": ("-o", "ProxyJump=gate")},
        {"private_key_file": "/keys/two"},
    ]
    ways = [way, *(replace(way, **changes) for changes in other)]  # type: ignore[arg-type]

    places = {place_in(each) for each in ways}

    assert len(places) == len(ways)
    assert None not in places
    assert place_in(way) == place_in(replace(way))


def test_the_directory_is_made_for_its_owner_alone() -> None:
    """Who can write there could be taken for the server."""
    # pytest's own would be too long for a socket
    with tempfile.TemporaryDirectory(prefix="cp") as folder:
        directory = Path(folder, "ansible/cp")
        way = SshWay("h", standing_directory=str(directory))
        place = place_in(way)

        assert looked_at(way) == (way, False)
        assert place is not None
        assert Path(place).parent == directory
        assert directory.stat().st_mode & 0o777 == 0o700


def test_a_way_by_password_stands_nowhere(tmp_path: Path) -> None:
    """A wrong password must not be taken for the right one of a minute ago."""
    way = SshWay("h", password=Secret("x"), standing_directory=str(tmp_path))

    assert place_in(way) is None


@pytest.mark.parametrize("name", ["a" * 80, "taken/cp"])
def test_where_no_socket_can_be_ssh_connects_without(tmp_path: Path, name: str) -> None:
    """ansible-core would fail here: a home with a long path is no reason to."""
    (tmp_path / "taken").touch()

    way = SshWay("h", standing_directory=str(tmp_path / name))

    assert looked_at(way) == (replace(way, standing_directory=None), False)


def test_a_percent_sign_in_the_place_is_none_of_ssh_s(tmp_path: Path) -> None:
    """ssh would replace %h by the host's name."""
    place = place_in(SshWay("h", standing_directory=str(tmp_path / "%h")))

    assert place is not None
    assert "/%%h/" in place


def test_what_answers_no_more_is_given_up_all_the_same(tmp_path: Path) -> None:
    """A socket that nobody listens on is in the way of the next connection."""
    socket = tmp_path / "socket"
    socket.touch()

    give_up(("false",), "h", socket)

    assert not socket.exists()
