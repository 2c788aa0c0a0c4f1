"""language/stock.py: where a plugin of ansible-core's own finds a connection of ours."""

from __future__ import annotations

from pathlib import Path

from herder.language.stock import standing_socket


def test_a_connection_that_stands_is_used(tmp_path: Path) -> None:
    """One that does not is not: the plugin makes one of its own then."""
    socket = tmp_path / "0123456789abcdef"
    words = ["ssh", "-o", f'ControlPath="{socket}"', "-T", "web1"]
    assert standing_socket(words) == ""
    socket.touch()
    assert standing_socket(words) == str(socket)


def test_a_place_with_a_percent_sign_is_passed_over(tmp_path: Path) -> None:
    """Both ssh and the plugin replace what follows one."""
    (tmp_path / "50%%").touch()
    assert standing_socket([f'ControlPath="{tmp_path}/50%%"']) == ""


def test_without_such_words_there_is_none() -> None:
    """A connection by password does not stand."""
    assert standing_socket(["ssh", "-T", "web1"]) == ""
