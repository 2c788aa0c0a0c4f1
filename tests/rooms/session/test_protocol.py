"""session/protocol.py: every state with every kind of input."""

from __future__ import annotations

import pytest

from herder.session.protocol import AgentGreeted, SessionProtocol, StageReady, State
from herder.wire.frames import Frame, Kind, WireError, encode
from herder.wire.handshake import READY, Greeting, encode_greeting
from herder.wire.messages import Stat

HELLO = Greeting("/usr/bin/python3", (3, 11, 2), "root", 0, "/root", "Linux", 42, 0)
START = b"motd\n" + READY + encode_greeting(HELLO)


def opened() -> SessionProtocol:
    """Give a conversation that is open."""
    protocol = SessionProtocol(body_limit=1000)
    protocol.receive(START)
    return protocol


@pytest.mark.parametrize("cut", range(len(START) + 1))
def test_conversation_opens_wherever_the_bytes_are_cut(cut: int) -> None:
    """A pipe gives bytes in any pieces."""
    protocol = SessionProtocol(body_limit=1000)

    events = protocol.receive(START[:cut]) + protocol.receive(START[cut:])

    assert events == [StageReady(), AgentGreeted(HELLO)]
    assert protocol.state is State.OPEN


def test_noise_is_kept_until_the_greeting_and_no_frame_is_seen_in_it() -> None:
    """When no agent comes, the noise is what tells the user why."""
    protocol = SessionProtocol(body_limit=1000)
    noise = encode(Kind.REPLY, 1, {}, b"") + b"Account expired\n"

    events = protocol.receive(noise)

    assert (events, protocol.state, protocol.noise) == ([], State.STARTING, noise)


def test_endless_noise_is_not_kept_without_end() -> None:
    """A host that prints for ever must not fill the controller's memory."""
    protocol = SessionProtocol(body_limit=1000)

    for _ in range(40):
        protocol.receive(b"x" * 100_000)

    assert len(protocol.noise) <= 1024 * 1024


def test_reply_belongs_to_the_call_that_was_made() -> None:
    """Calls overlap; answers come in any order."""
    protocol = opened()
    first, _ = protocol.call(Stat("/a"))
    second, _ = protocol.call(Stat("/b"))

    frames = protocol.receive(encode(Kind.REPLY, second) + encode(Kind.FAILURE, first))

    assert frames == [Frame(Kind.REPLY, second), Frame(Kind.FAILURE, first)]


def test_frames_that_came_with_the_greeting_are_handed_on() -> None:
    """Greeting and first frames may come in one piece."""
    protocol = SessionProtocol(body_limit=1000)
    number, _ = protocol.call(Stat("/"))

    events = protocol.receive(START + encode(Kind.REPLY, number))

    assert events[-1] == Frame(Kind.REPLY, number)


@pytest.mark.parametrize(
    "data",
    [
        encode(Kind.REPLY, 5),
        encode(Kind.OUTPUT, 5, {}, b"x"),
        encode(Kind.CALL, 1, {"operation": "stat"}),
        encode(Kind.OUTPUT, 1, {}, b"x" * 1001),
        b"Segmentation fault (core dumped)\n",
    ],
    ids=["reply to no call", "output of no call", "our own kind", "too large", "no frame"],
)
def test_whoever_breaks_the_wire_closes_the_conversation(data: bytes) -> None:
    """The far side is not trusted."""
    protocol = opened()
    protocol.call(Stat("/"))

    with pytest.raises(WireError):
        protocol.receive(data)

    assert protocol.state is State.CLOSED


def test_second_reply_to_one_call_closes_the_conversation() -> None:
    """A reply nobody waits for would else be taken for the next call's."""
    protocol = opened()
    number, _ = protocol.call(Stat("/"))
    protocol.receive(encode(Kind.REPLY, number))

    with pytest.raises(WireError, match=f"call {number}, which is not open"):
        protocol.receive(encode(Kind.REPLY, number))


def test_pong_is_no_event() -> None:
    """It only says that the agent is there."""
    assert opened().receive(encode(Kind.PONG, 0)) == []
