"""session/connection.py: what a connection does with an agent that says nothing, or too much."""

from __future__ import annotations

import pytest

from herder.errors import HostUnreachable
from herder.session.connection import SessionLimits
from herder.wire.frames import Kind
from herder.wire.messages import RunCommand
from tests.support.fake_stream import greeted_connection, say

CALL = RunCommand(shell_line="true", executable="/bin/sh")


async def test_agent_that_falls_silent_is_lost() -> None:
    """A host that lost its power says nothing, and neither does ssh for a long time."""
    limits = SessionLimits(keepalive_seconds=0.01, silence_seconds=0.05)
    connection, stream = greeted_connection(limits=limits)
    pending = connection.new_call()
    connection.make(CALL, b"", pending)

    with pytest.raises(HostUnreachable, match="nothing came from the agent"):
        await connection.answer(pending)

    assert Kind.PING in [frame.kind for frame in stream.frames]
    assert not connection.is_usable


async def test_output_past_the_limit_ends_the_conversation() -> None:
    """A hostile host must not fill the memory of the controller."""
    connection, stream = greeted_connection(limits=SessionLimits(output_limit_bytes=1000))
    pending = connection.new_call()
    connection.make(CALL, b"", pending)
    number = stream.frames[-1].id

    for _ in range(3):
        say(connection, Kind.OUTPUT, number, {"stream": "stdout"}, b"x" * 400)

    with pytest.raises(HostUnreachable, match="output of 1200 bytes, limit is 1000 bytes"):
        await connection.answer(pending)
