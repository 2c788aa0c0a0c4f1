"""model/door.py: who was turned away at a server's door, and how long that is worth a wait."""

from __future__ import annotations

import pytest

from herder.model.door import ATTEMPTS_MAX, PATIENCE_SECONDS, Door, was_turned_away
from tests.support.hand_clock import HandClock

AWAY = "kex_exchange_identification: Connection closed by remote host\r\n"
RESET = "kex_exchange_identification: read: Connection reset by peer\r\n"


@pytest.fixture
def clock() -> HandClock:
    """Give what moves the door's time."""
    return HandClock()


@pytest.fixture
def door(clock: HandClock) -> Door:
    """Give a door whose pauses are the longest that they may be."""
    return Door(clock, lambda _least, most: most)


@pytest.mark.parametrize(
    "words",
    [
        f"{AWAY}Connection closed by 10.0.0.1 port 22",
        f"{RESET}Connection reset by 10.0.0.1 port 22",
        "ssh_exchange_identification: Connection closed by remote host",
        f"Authorised use only.\r\n{RESET}{AWAY}Connection closed by UNKNOWN port 65535",
        "Connection closed by 10.0.0.1 port 22\r\n",
        "Connection closed by 10.0.0.1 port 22\r\nConnection closed by UNKNOWN port 65535\r\n",
        "Failed to connect to the host via ssh: Connection closed by 10.0.0.1 port 22",
        "Failed to download remote objects and refs:  Connection closed by 10.0.0.1 port 22\r\n"
        "fatal: Could not read from remote repository.\n\nPlease make sure you have the correct"
        " access rights\nand the repository exists.\n",
    ],
    ids=[
        "closed",
        "reset",
        "before OpenSSH 8",
        "behind a jump host",
        "OpenSSH 9.5",
        "OpenSSH 9.5 behind a jump host",
        "OpenSSH 9.5 as the stock plugin says it",
        "OpenSSH 9.5 as git says it",
    ],
)
def test_a_server_that_takes_no_more_is_known_by_the_words_of_ssh(words: str) -> None:
    """Each was seen with MaxStartups."""
    assert was_turned_away(words)


@pytest.mark.parametrize(
    "words",
    [
        "root@10.0.0.1: Permission denied (publickey).\r\n",
        "channel 0: open failed: connect failed: Connection refused\r\nstdio forwarding failed\r\n",
        "ssh: Could not resolve hostname jump: Name or service not known\r\n",
        "Host key verification failed.\r\n",
        "/bin/sh: 1: cloudflared: not found\r\n",
    ],
)
def test_another_reason_of_a_jump_host_is_no_matter_of_patience(words: str) -> None:
    """What ends the way in there looks the same from here but for what is said before."""
    assert not was_turned_away(f"{words}{AWAY}Connection closed by UNKNOWN port 65535")


@pytest.mark.parametrize(
    "words",
    [
        "Authorised use only.\r\n",
        "Warning: Permanently added '10.0.0.1' (ED25519) to the list of known hosts.\r\n",
        "Your account has expired; please contact your system administrator.\r\n",
    ],
)
def test_who_has_come_further_than_the_door_was_not_turned_away(words: str) -> None:
    """The words for a closed connection alone are the same there."""
    assert not was_turned_away(f"{words}Connection closed by 10.0.0.1 port 22\r\n")


def test_pauses_grow_to_a_few_seconds(door: Door) -> None:
    """Most are let in the next time."""
    assert [door.pause(AWAY, attempts) for attempts in range(1, 6)] == [0.5, 1.0, 2.0, 4.0, 4.0]


def test_a_door_that_nobody_gets_through_is_left_by_all(door: Door, clock: HandClock) -> None:
    """Three hundred hosts must not wait one after another for a server that lets nobody in."""
    assert door.pause(AWAY, 1) is not None

    clock.move(PATIENCE_SECONDS)

    assert door.pause(AWAY, 4) is None
    assert door.pause(AWAY, 1) is None


def test_as_long_as_others_are_let_in_it_is_worth_a_wait(door: Door, clock: HandClock) -> None:
    """A jump host with many hosts behind it takes a while."""
    for _ in range(5):
        assert door.pause(AWAY, 3) is not None
        clock.move(PATIENCE_SECONDS - 1.0)
        door.let_in()

    assert door.pause(AWAY, 4) is not None


def test_one_who_is_never_let_in_gives_up(door: Door) -> None:
    """It is this host, then, and not the crowd."""
    assert door.pause(AWAY, ATTEMPTS_MAX - 1) is not None
    assert door.pause(AWAY, ATTEMPTS_MAX) is None
