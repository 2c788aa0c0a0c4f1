"""The machines' way out: an HTTP proxy on the lab's bridge, so that apt and pip work in them.

The bridge leads nowhere else: the host forwards no packets, and its firewall is left alone. The
program `python -m ... DIRECTORY` ends by itself when the lab is gone. Only what listens on a web
port, and not on the host itself, is let through.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from herder.lab.network import WAY_OUT_PORT, gateway_address, own_addresses
from herder.lab.place import LabPlace
from herder.lab.state import read_state

_PORTS = (80, 443, 8080, 8443)
_HEAD_LIMIT_BYTES = 65536
_CHUNK_BYTES = 65536
_CONNECT_SECONDS = 30.0
_LOOK_SECONDS = 0.5


class Refused(Exception):
    """The request cannot be passed on; the text is the status line's."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes, and the head to send there first (none for a tunnel)."""

    host: str
    port: int
    head: bytes


@dataclass(frozen=True, slots=True)
class WayOut:
    """The proxy: `may_reach` judges an address, `upstream` is the host's own proxy, if any."""

    may_reach: Callable[[str, int], bool]
    upstream: tuple[str, int] | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection: one request or tunnel, then its end."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            try:
                head = await reader.readuntil(b"\r\n\r\n")
                await self._pass_on(head, reader, writer)
            except Refused as refused:
                writer.write(f"HTTP/1.1 {refused}\r\nConnection: close\r\n\r\n".encode())
                await writer.drain()
        await _close(writer)

    async def _pass_on(
        self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        target = parse_head(head)
        if self.upstream is None:
            address = await self._address(target)
            there, back = await _connect(address, target.port), target.head
            if not target.head:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            there, back = await _connect(*self.upstream), head
        out_reader, out_writer = there
        out_writer.write(back)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_copy(reader, out_writer))
                group.create_task(_copy(out_reader, writer))
        finally:
            await _close(out_writer)

    async def _address(self, target: Target) -> str:
        """Give an address of the target that may be reached; the check and the use are of one."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise Refused("502 Name not found") from error
        for *_, name in found:
            if self.may_reach(str(name[0]), target.port):
                return str(name[0])
        raise Refused("403 Not let through by the lab")


def parse_head(head: bytes) -> Target:
    """Give where a proxy request goes. *Source*: RFC 9112, 3.2.2 absolute-form and 3.2.3."""
    try:
        line, _, rest = head.decode("latin-1").partition("\r\n")
        method, address, version = line.split(" ")
        if method == "CONNECT":
            parts = urlsplit(f"//{address}")
            return Target(parts.hostname or "", parts.port or 443, b"")
        parts = urlsplit(address)
        path = parts.path or "/"
        query = f"?{parts.query}" if parts.query else ""
        fields = [
            field
            for field in rest.split("\r\n")
            if field and not field.lower().startswith(("connection:", "proxy-"))
        ]
    except ValueError as error:
        raise Refused("400 Bad request") from error
    if parts.scheme != "http" or not parts.hostname:
        raise Refused("400 Bad request")
    lines = [f"{method} {path}{query} {version}", *fields, "Connection: close", "", ""]
    return Target(parts.hostname, parts.port or 80, "\r\n".join(lines).encode("latin-1"))


def let_through(own: frozenset[str]) -> Callable[[str, int], bool]:
    """Give the rule: web ports of any address that is neither the host's own nor link-local."""

    def may_reach(address: str, port: int) -> bool:
        parsed = ipaddress.ip_address(address.partition("%")[0])
        inward = parsed.is_loopback or parsed.is_link_local or parsed.is_unspecified
        return port in _PORTS and not inward and address not in own

    return may_reach


def upstream_proxy(environment: Mapping[str, str]) -> tuple[str, int] | None:
    """Give the proxy that the host itself must go through, as its environment says."""
    for name in ("https_proxy", "HTTPS_PROXY", "http_proxy"):
        if found := urlsplit(environment.get(name, "")).hostname:
            return found, urlsplit(environment[name]).port or 80
    return None


async def serve_lab(place: LabPlace) -> None:
    """Serve the lab's machines until the lab is gone."""
    state = read_state(place.state_file)
    if state is None:
        return
    way = WayOut(let_through(own_addresses()), upstream_proxy(os.environ))
    server = await asyncio.start_server(
        way.serve, gateway_address(state.network), WAY_OUT_PORT, limit=_HEAD_LIMIT_BYTES
    )
    async with server:
        await _gone(place.state_file)


async def _gone(path: Path) -> None:
    """Wait until there is no such file. Nothing tells us when: we look twice a second."""
    while path.exists():  # noqa: ASYNC110  # another process removes it
        await asyncio.sleep(_LOOK_SECONDS)


async def _connect(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    try:
        return await asyncio.wait_for(asyncio.open_connection(host, port), _CONNECT_SECONDS)
    except OSError as error:
        raise Refused("504 No answer") from error


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry bytes one way to their end, and pass the end on."""
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK_BYTES):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()


def main() -> None:
    """Go to the background, so that whoever started us need not wait for our end."""
    if os.fork():
        os._exit(0)
    os.setsid()
    asyncio.run(serve_lab(LabPlace(Path(sys.argv[1]))))


if __name__ == "__main__":
    main()
