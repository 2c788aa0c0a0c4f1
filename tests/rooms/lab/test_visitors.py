"""Visitors, against a small real server: what they count must be what happened."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

import pytest

from herder.lab.visitors import (
    Door,
    HostChange,
    PageRefused,
    Visit,
    Visitor,
    host_changes,
    parse_answer,
    request_bytes,
)

WHOLE = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-MooTube-Host: web1\r\nX-MooTube-Release: 7\r\n"
    b"Set-Cookie: sessionid=abc; Path=/\r\n\r\nmoo"
)


@contextlib.asynccontextmanager
async def site(answers: Sequence[bytes]) -> AsyncIterator[tuple[Door, list[bytes]]]:
    """Give a door behind which each question gets the next of these answers, and the questions."""
    questions: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        questions.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answers[len(questions) - 1])
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield Door("127.0.0.1", server.sockets[0].getsockname()[1], "moo.example"), questions


async def test_whole_page_is_a_good_visit() -> None:
    """The table at the end names hosts and releases as the answers did."""
    async with site([WHOLE]) as (door, _):
        visit = await Visitor([door]).visit("/")

    assert (visit.host, visit.release, visit.failure) == ("web1", "7", "")


async def test_session_goes_with_the_visitor() -> None:
    """Shared sessions show only when the cookie comes back."""
    async with site([WHOLE, WHOLE]) as (door, questions):
        visitor = Visitor([door])
        await visitor.visit("/")
        await visitor.visit("/")

    assert [b"Cookie: sessionid=abc\r\n" in question for question in questions] == [False, True]


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (WHOLE[:-1], "body of 2 bytes, 3 were promised"),
        (WHOLE.replace(b"200 OK", b"503 Gone"), "status 503"),
        (b"", "answer of 0 bytes begins with '', not with HTTP/1"),
        (b"HTTP/1.1 200 OK\r\nConte", "answer of 22 bytes begins with 'HTTP/1.1 200 OK'"),
    ],
)
async def test_anything_less_than_a_whole_page_is_a_failed_visit(
    answer: bytes, failure: str
) -> None:
    """`0 failed` means nothing if half a page counts as a page."""
    async with site([answer]) as (door, _):
        visit = await Visitor([door]).visit("/")

    assert visit.failure.startswith(failure)


async def test_closed_door_is_a_failed_visit() -> None:
    """A refused connection is what a visitor of a stopped server sees."""
    async with site([]) as (door, _):
        pass

    visit = await Visitor([door]).visit("/")

    assert "refused" in visit.failure.lower() or "Connect" in visit.failure


async def test_silent_server_is_a_failed_visit() -> None:
    """A visitor does not wait for ever."""

    async def stay_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(100):
            pass
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(stay_silent, "127.0.0.1", 0)
    async with server:
        door = Door("127.0.0.1", server.sockets[0].getsockname()[1], "moo.example")
        visit = await Visitor([door], timeout_seconds=0.05).visit("/")

    assert visit.failure == "no answer in 0.05 s"


async def test_doors_are_asked_in_turn() -> None:
    """Where there is no balancer every server must be asked."""
    async with site([WHOLE, WHOLE]) as (one, asked_one), site([WHOLE]) as (two, asked_two):
        visitor = Visitor([one, two])
        for _ in range(3):
            visitor.visits.append(await visitor.visit("/"))

    assert (len(asked_one), len(asked_two)) == (2, 1)


def test_question_names_the_site() -> None:
    """The balancer and Django look at the Host header."""
    question = request_bytes("/", Door("10.0.0.1", 80, "moo.example"), {"a": "1", "b": "2"})

    assert question == (
        b"GET / HTTP/1.1\r\nHost: moo.example\r\nConnection: close\r\nCookie: a=1; b=2\r\n\r\n"
    )


def test_answer_without_length_ends_with_the_connection() -> None:
    """HTTP allows it when the connection closes."""
    assert parse_answer(b"HTTP/1.0 200 OK\r\n\r\nmoo").body == b"moo"


def test_page_is_cut_at_every_byte_and_never_counts() -> None:
    """A server killed at any moment must show."""
    for length in range(len(WHOLE)):
        with pytest.raises(PageRefused):
            parse_answer(WHOLE[:length])


def test_change_of_a_host_is_told_with_its_seconds() -> None:
    """A server is away from its last old page to its first new one; failures are no pages."""
    visits = [
        Visit(0.0, 0.1, "web1", "A"),
        Visit(1.0, 1.1, "web1", "A"),
        Visit(1.5, 1.6, "", "", "status 503"),
        Visit(4.0, 4.5, "web1", "B"),
        Visit(2.0, 2.1, "web2", "A"),
    ]

    assert host_changes(visits) == [
        HostChange("web1", ("A", "B"), 3, 3.5),
        HostChange("web2", ("A",), 1, 0.0),
    ]
