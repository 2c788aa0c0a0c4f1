"""session/host_session.py: what goes over the wire for each operation, and how often."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import pytest

from herder.errors import HostUnreachable, OperationFailed, OperationTimedOut
from herder.model.ports import CommandCall, Completed, ModuleBundle, ModuleCall, ModuleFile
from herder.session.connection import Connection, SessionLimits
from herder.session.host_session import HostSession
from herder.session.parcels import Parcels
from herder.wire.frames import Frame, Kind
from tests.support.fake_stream import FakeStream, greeted_connection, say

DONE = {"status": 0, "stdout": 2}


def file(path: str, text: str) -> ModuleFile:
    """Give a bundle's file."""
    content = text.encode()
    return ModuleFile(path, hashlib.sha256(content).hexdigest(), content)


BASIC = file("ansible/module_utils/basic.py", "basic")
PING = file("ansible/modules/ping.py", "ping")
BUNDLE = ModuleBundle("ping", "ansible.modules.ping", "b1", (BASIC, PING))
CALL = ModuleCall(BUNDLE, b"{}")


async def asked(
    work: Coroutine[Any, Any, Completed], stream: FakeStream
) -> tuple[asyncio.Task[Completed], list[Frame]]:
    """Let a call begin; give its task and the frames it sent."""
    before = len(stream.frames)
    task = asyncio.ensure_future(work)
    await asyncio.sleep(0)
    return task, stream.frames[before:]


def kinds(frames: list[Frame]) -> list[Kind]:
    """Give what the frames are for."""
    return [frame.kind for frame in frames]


def calls_of(stream: FakeStream) -> list[int]:
    """Give the calls that were sent."""
    return [frame.id for frame in stream.frames if frame.kind is Kind.CALL]


def answer(connection: Connection, calls: list[int]) -> None:
    """Let these calls end well."""
    for number in calls:
        say(connection, Kind.REPLY, number, DONE, b"ok")


def sent_parts(frame: Frame) -> list[str]:
    """Give the digests a SUPPLY carries."""
    return [digest for digest, _ in frame.head["parts"]]


async def test_empty_target_gets_the_files_without_asking() -> None:
    """Where nothing can be cached, a question would only cost a round trip."""
    connection, stream = greeted_connection(cached=0)
    session = HostSession(connection, Parcels())

    first, frames = await asked(session.run_module(CALL), stream)
    say(connection, Kind.NEEDS, 1, {"digests": [BASIC.digest, PING.digest]})
    say(connection, Kind.REPLY, 1, DONE, b"ok!")

    assert await first == Completed(0, b"ok", b"!")
    assert kinds(frames) == kinds(stream.frames) == [Kind.CALL, Kind.SUPPLY]
    assert sent_parts(frames[1]) == [BASIC.digest, PING.digest]


async def test_second_call_of_a_module_sends_nothing_but_the_call() -> None:
    """Thirty tasks use the same few modules."""
    connection, stream = greeted_connection(cached=0)
    session = HostSession(connection, Parcels())
    first, _ = await asked(session.run_module(CALL), stream)
    say(connection, Kind.REPLY, 1, DONE, b"ok")
    await first

    second, frames = await asked(session.run_module(CALL), stream)
    say(connection, Kind.REPLY, 2, DONE, b"ok")
    await second

    assert kinds(frames) == [Kind.CALL]
    assert "manifest" not in frames[0].head


async def test_warm_target_is_sent_only_what_it_asks_for() -> None:
    """A later run on the same hosts should send nearly nothing."""
    connection, stream = greeted_connection(cached=60)
    session = HostSession(connection, Parcels())

    task, frames = await asked(session.run_module(CALL), stream)
    say(connection, Kind.NEEDS, 1, {"manifest": True})
    say(connection, Kind.NEEDS, 1, {"digests": [BASIC.digest]})
    say(connection, Kind.REPLY, 1, DONE, b"ok")
    await task

    assert (kinds(frames), frames[0].head.get("manifest")) == ([Kind.CALL], None)
    manifest, files = stream.frames[1:]
    assert manifest.head["manifest"] == [[BASIC.path, BASIC.digest], [PING.path, PING.digest]]
    assert (sent_parts(manifest), sent_parts(files)) == ([PING.digest], [BASIC.digest])


async def test_what_many_hosts_delegate_to_one_machine_does_not_run_there_all_at_once() -> None:
    """Five hundred modules would need ten gigabytes, and ansible-playbook runs five."""
    connection, stream = greeted_connection(limits=SessionLimits(programs_at_once=2))
    session = HostSession(connection, Parcels())
    calls = [session.run_module(CALL), *(session.run_command(CommandCall("true")) for _ in "ab")]

    tasks = [(await asked(call, stream))[0] for call in calls]
    question, _ = await asked(session.remove("/tmp/a"), stream)  # type: ignore[arg-type]  # gives None
    before = calls_of(stream)
    say(connection, Kind.REPLY, before[0], DONE, b"ok")
    await tasks[0]
    await asyncio.sleep(0)
    after = calls_of(stream)
    answer(connection, after[1:])

    assert (len(before), len(after)) == (3, 4)
    await asyncio.gather(*tasks, question)


async def test_a_module_that_has_to_be_alone_waits_for_others_like_it_only() -> None:
    """Two that write one file at the same time lose a line."""
    connection, stream = greeted_connection()
    session = HostSession(connection, Parcels())
    alone = replace(CALL, is_alone=True)

    tasks = [(await asked(session.run_module(call), stream))[0] for call in (alone, alone, CALL)]
    before = calls_of(stream)
    say(connection, Kind.REPLY, before[0], DONE, b"ok")
    await tasks[0]
    await asyncio.sleep(0)
    after = calls_of(stream)
    answer(connection, after[1:])

    assert (len(before), len(after)) == (2, 3)
    await asyncio.gather(*tasks)


async def test_cancelled_call_is_cancelled_on_the_host_and_its_answer_ignored() -> None:
    """Nobody may be left working for a caller who is gone."""
    connection, stream = greeted_connection()
    session = HostSession(connection, Parcels())
    task, _ = await asked(session.run_command(CommandCall("sleep 9")), stream)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    say(connection, Kind.FAILURE, 1, {"reason": "cancelled"})

    assert kinds(stream.frames) == [Kind.CALL, Kind.CANCEL]
    assert connection.is_usable


@pytest.mark.parametrize(
    ("head", "error", "words"),
    [
        ({"operation": "stat", "reason": "No such file", "errno": 2}, OperationFailed,
         "stat failed: No such file"),
        ({"operation": "run command", "reason": "timed out after 5 s", "kind": "timeout"},
         OperationTimedOut, "timed out after 5 s"),
        ({"reason": None, "errno": "many"}, OperationFailed, "operation failed"),
    ],
)  # fmt: skip
async def test_failure_becomes_an_error_with_the_hosts_words(
    head: dict[str, Any], error: type[OperationFailed], words: str
) -> None:
    """Also when the words make no sense: the host is not trusted."""
    connection, stream = greeted_connection()
    session = HostSession(connection, Parcels())
    task, _ = await asked(session.run_command(CommandCall("x")), stream)

    say(connection, Kind.FAILURE, 1, head)

    with pytest.raises(error, match=words):
        await task


def broken_pipe(connection: Connection) -> None:
    """Let the way break."""
    connection.words_received(b"client_loop: send disconnect: Broken pipe\n")
    connection.stream_closed()


def nonsense(connection: Connection) -> None:
    """Let the agent send what no agent sends."""
    connection.bytes_received(b"\xff" * 100)


def second_answer(connection: Connection) -> None:
    """Let the agent answer what was not asked."""
    say(connection, Kind.REPLY, 99, DONE)


@pytest.mark.parametrize(
    ("event", "words"),
    [(broken_pipe, "Broken pipe"), (nonsense, "broke the wire"), (second_answer, "call 99")],
)
async def test_lost_conversation_ends_every_call(event: Any, words: str) -> None:
    """All calls of the host fail, at once, with the reason."""
    connection, stream = greeted_connection()
    session = HostSession(connection, Parcels())
    tasks = [(await asked(session.run_command(CommandCall("x")), stream))[0] for _ in range(3)]

    event(connection)

    for task in tasks:
        with pytest.raises(HostUnreachable, match=words):
            await task
    with pytest.raises(HostUnreachable, match=words):
        await session.expand_user("~")


@pytest.mark.parametrize(
    ("head", "body"),
    [({}, b""), ({"status": "0", "stdout": 0}, b""), ({"status": 0, "stdout": 9}, b"short")],
)
async def test_answer_that_does_not_fit_is_refused(head: dict[str, Any], body: bytes) -> None:
    """Sizes of an untrusted host are checked against what really came."""
    connection, stream = greeted_connection()
    session = HostSession(connection, Parcels())
    task, _ = await asked(session.run_command(CommandCall("x")), stream)

    say(connection, Kind.REPLY, 1, head, body)

    with pytest.raises(HostUnreachable, match="broke the wire"):
        await task
