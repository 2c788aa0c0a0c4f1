"""The lab's state file: whole, readable, and clear when it is neither."""

from __future__ import annotations

from pathlib import Path

import pytest

from herder.errors import LabError
from herder.lab.state import (
    Kind,
    LabState,
    Server,
    Stage,
    read_state,
    state_document,
    write_state,
)

WEB1 = Server("web1", 1, "10.64.0.11", 22, "root", "ssh-ed25519 AAAA", layers=("/images/one",))
STATE = LabState("lab", Kind.MACHINES, "why", "10.64.0", "deploy", "secret", servers=(WEB1,))


def test_state_comes_back_as_it_was_written(tmp_path: Path) -> None:
    """A later command must find every field, enums and tuples included."""
    write_state(tmp_path / "state.json", STATE)

    assert read_state(tmp_path / "state.json") == STATE


def test_state_that_is_not_there_is_none(tmp_path: Path) -> None:
    """No lab is not an error: `up` begins there."""
    assert read_state(tmp_path / "state.json") is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 2}', '{"format": 1}'])
def test_state_that_cannot_be_read_names_its_file(tmp_path: Path, text: str) -> None:
    """Whoever finds a broken file must learn which, and how to be rid of it."""
    path = tmp_path / "state.json"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(LabError) as caught:
        read_state(path)

    assert str(path) in str(caught.value)
    assert caught.value.hint == "herder lab down"


def test_state_is_for_its_owner_alone(tmp_path: Path) -> None:
    """It holds the password of the machines' sudo user."""
    write_state(tmp_path / "state.json", STATE)

    assert (tmp_path / "state.json").stat().st_mode & 0o777 == 0o600


def test_status_shows_no_password() -> None:
    """What `herder lab status --json` prints ends up in logs."""
    assert "secret" not in str(state_document(STATE))


def test_server_with_a_known_name_takes_the_place_of_the_old() -> None:
    """A server's stages follow each other; it must not appear twice."""
    later = Server("web1", 1, "10.64.0.11", 22, "root", "ssh-ed25519 AAAA", Stage.UP)

    assert STATE.with_server(later).servers == (later,)


def test_unknown_server_is_named_with_those_there_are() -> None:
    """A mistyped name is the most likely cause."""
    with pytest.raises(LabError, match="no server 'web9' in lab 'lab', there are: web1"):
        STATE.server("web9")


def test_state_of_another_user_is_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was to be taken down, which is not this user's to do either."""

    def refuse(*_words: object, **_more: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", refuse)

    with pytest.raises(LabError, match="this lab is another user's: Permission denied"):
        read_state(tmp_path / "state.json")
