"""The machines' proxy: what it passes on, and what it must not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from herder.lab.way_out import (
    Refused,
    Target,
    WayOut,
    let_through,
    parse_head,
    upstream_proxy,
)

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

HEADS = [
    (
        b"GET http://deb.example/debian/x?y=1 HTTP/1.1\r\nHost: deb.example\r\n"
        b"Proxy-Connection: keep-alive\r\nConnection: keep-alive\r\n\r\n",
        Target(
            "deb.example",
            80,
            b"GET /debian/x?y=1 HTTP/1.1\r\nHost: deb.example\r\nConnection: close\r\n\r\n",
        ),
    ),
    (b"CONNECT pypi.example:443 HTTP/1.1\r\n\r\n", Target("pypi.example", 443, b"")),
    (b"CONNECT [2001:db8::1]:443 HTTP/1.1\r\n\r\n", Target("2001:db8::1", 443, b"")),
]


@pytest.mark.parametrize(("head", "target"), HEADS)
def test_request_is_read_as_its_sender_meant_it(head: bytes, target: Target) -> None:
    """apt sends whole addresses, pip asks for tunnels."""
    assert parse_head(head) == target


@pytest.mark.parametrize(
    "head",
    [b"\r\n\r\n", b"GET /local HTTP/1.1\r\n\r\n", b"GET ftp://a/ HTTP/1.1\r\n\r\n", b"x y\r\n\r\n"],
)
def test_what_is_no_proxy_request_is_refused(head: bytes) -> None:
    """A wrong request must get an answer, not a crash."""
    with pytest.raises(Refused):
        parse_head(head)


@pytest.mark.parametrize(
    ("address", "port", "answer"),
    [
        ("198.51.100.7", 443, True),
        ("198.51.100.7", 25, False),
        ("127.0.0.1", 80, False),
        ("::1", 80, False),
        ("169.254.169.254", 80, False),
        ("fe80::1%eth0", 80, False),
        ("0.0.0.0", 80, False),
        ("192.0.2.2", 80, False),
    ],
)
def test_only_web_ports_elsewhere_are_let_through(address: str, port: int, answer: bool) -> None:  # noqa: FBT001  # a table's column
    """A playbook under trial must not reach what listens for the host's own users."""
    assert let_through(frozenset({"192.0.2.2"}))(address, port) is answer


def test_hosts_own_proxy_is_found_in_its_environment() -> None:
    """Where the host needs a proxy, its machines do."""
    assert upstream_proxy({"http_proxy": "http://proxy.example:8888"}) == ("proxy.example", 8888)
    assert upstream_proxy({}) is None


async def test_tunnel_carries_bytes_both_ways() -> None:
    """TLS goes through it untouched."""
    async with _listening(_echo) as port, _listening(_way_out(port).serve) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy)
        writer.write(b"CONNECT localhost:%d HTTP/1.1\r\n\r\n" % port)
        greeting = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"\x00\xff bytes")
        writer.write_eof()
        answer = await reader.read()
        writer.close()

    assert greeting.startswith(b"HTTP/1.1 200 ")
    assert answer == b"\x00\xff bytes"


async def test_forbidden_target_gets_an_answer() -> None:
    """A program that waits for one would hang."""
    way = WayOut(lambda address, port: False)
    async with _listening(way.serve) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy)
        writer.write(b"GET http://127.0.0.1/ HTTP/1.1\r\n\r\n")
        answer = await reader.read()
        writer.close()

    assert answer.startswith(b"HTTP/1.1 403 ")


def _way_out(port: int) -> WayOut:
    return WayOut(lambda address, asked: asked == port)


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(await reader.read())
    await writer.drain()
    writer.close()
    await writer.wait_closed()


@asynccontextmanager
async def _listening(handler: Handler) -> AsyncIterator[int]:
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(handler(reader, writer))
        serving.add(task)
        await task

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
    await asyncio.gather(*serving)
