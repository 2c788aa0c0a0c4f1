"""Visitors of a site: they ask it all the time over HTTP and remember how every answer ended."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import ssl
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

PAGE_LIMIT_BYTES = 4 * 1024 * 1024
# Not what proxies say of the request: X-Forwarded-Host.
_TELLING = re.compile(r"x-(?!forwarded|original)[a-z0-9-]+-(host|release)")
_STATUS = re.compile(r"HTTP/1\.[01] (\d{3})")


@dataclass(frozen=True, slots=True)
class Door:
    """Where a site is asked: at the balancer or at a server; `name` is the Host header.

    With `uses_tls` the certificate must be for that name.
    """

    address: str
    port: int
    name: str
    uses_tls: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer that came whole. *Shapes*: header names are in lower case."""

    status: int
    headers: dict[str, str]
    cookies: dict[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Visit:
    """One question and its end; `failure` is '' when the page came whole with status 200.

    *Shapes*: `host` and `release` are what the answer said of its server, '' when nothing.
    *Units*: `started` and `ended` are seconds of the visitors' clock.
    """

    started: float
    ended: float
    host: str = ""
    release: str = ""
    failure: str = ""


class PageRefused(Exception):
    """What came is no whole HTTP answer; the text says why."""


@dataclass(slots=True)
class Visitor:
    """One visitor with one session; asks the doors in turn, each question on its own connection.

    Nothing is asked twice: an error of one question is a failed visit.
    """

    doors: Sequence[Door]
    timeout_seconds: float = 10.0
    clock: Callable[[], float] = time.monotonic
    visits: list[Visit] = field(default_factory=list)
    cookies: dict[str, str] = field(default_factory=dict)

    async def stay(self, path: str, *, pause_seconds: float) -> None:
        """Ask for `path` again and again until cancelled; a visit that is cut short is no visit."""
        while True:
            self.visits.append(await self.visit(path))
            await asyncio.sleep(pause_seconds)

    async def visit(self, path: str) -> Visit:
        """Ask once and tell how it ended; never raises for what the site does."""
        door = self.doors[len(self.visits) % len(self.doors)]
        started = self.clock()
        try:
            answer = await self.ask(path, door)
        except TimeoutError:
            return Visit(started, self.clock(), failure=f"no answer in {self.timeout_seconds:g} s")
        except (OSError, PageRefused) as error:
            return Visit(started, self.clock(), failure=str(error) or type(error).__name__)
        return Visit(
            started,
            self.clock(),
            host=who_says(answer, "host"),
            release=who_says(answer, "release"),
            failure="" if answer.status == 200 else f"status {answer.status}",
        )

    async def ask(self, path: str, door: Door) -> Answer:
        """Give the answer, and keep its cookies. *Raises*: TimeoutError, OSError, PageRefused."""
        async with asyncio.timeout(self.timeout_seconds):
            answer = parse_answer(await exchange(door, request_bytes(path, door, self.cookies)))
        self.cookies.update(answer.cookies)
        return answer


def who_says(answer: Answer, what: str) -> str:
    """Give what an answer says of its server's `host` or `release`; '' when nothing.

    A header like X-MooTube-Host says it, or a field of a JSON object.
    """
    for name, text in answer.headers.items():
        if _TELLING.fullmatch(name) and name.endswith(f"-{what}"):
            return text
    if "json" not in answer.headers.get("content-type", ""):
        return ""
    try:
        document = json.loads(answer.body)
    except ValueError:
        return ""
    return str(document.get(what, "")) if isinstance(document, dict) else ""


async def exchange(door: Door, request: bytes) -> bytes:
    """Give all that comes back on a new connection. *Raises*: OSError, PageRefused."""
    reader, writer = await asyncio.open_connection(door.address, door.port, **_tls(door))
    try:
        writer.write(request)
        parts: list[bytes] = []
        while part := await reader.read(65536):
            parts.append(part)
            if sum(map(len, parts)) > PAGE_LIMIT_BYTES:
                raise PageRefused(f"page of more than {PAGE_LIMIT_BYTES} bytes")
    finally:
        writer.close()
        with contextlib.suppress(OSError):  # it is over, whichever end hung up first
            await writer.wait_closed()
    return b"".join(parts)


def _tls(door: Door) -> dict[str, Any]:
    """Give what open_connection wants for an encrypted connection; nothing for a plain one."""
    if not door.uses_tls:
        return {}
    name = door.name.partition(":")[0]
    return {"ssl": ssl.create_default_context(), "server_hostname": name}


def request_bytes(path: str, door: Door, cookies: dict[str, str]) -> bytes:
    """Give the bytes of a question that closes its connection. *Source*: RFC 9112."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {door.name}", "Connection: close"]
    if cookies:
        lines.append("Cookie: " + "; ".join(f"{name}={text}" for name, text in cookies.items()))
    return "\r\n".join([*lines, "", ""]).encode("ascii")


def parse_answer(data: bytes) -> Answer:
    """Give the answer in these bytes. *Raises*: PageRefused, when it is not whole or not HTTP."""
    head, separator, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    status = _STATUS.match(first)
    if not separator or status is None:
        raise PageRefused(
            f"answer of {len(data)} bytes begins with {first[:40]!r}, not with HTTP/1"
        )
    pairs = [(name.lower(), text.strip()) for name, _, text in (x.partition(":") for x in lines)]
    headers = dict(pairs)
    promised = int(headers.get("content-length", len(body)))
    if len(body) != promised:
        raise PageRefused(f"body of {len(body)} bytes, {promised} were promised")
    cookies = [
        text.partition(";")[0].partition("=") for name, text in pairs if name == "set-cookie"
    ]
    return Answer(int(status[1]), headers, {name: text for name, _, text in cookies}, body)


@dataclass(frozen=True, slots=True)
class HostChange:
    """What visitors saw of one server; releases in the order of their first pages.

    *Units*: `away_seconds` is from the start of the last page of the release before the newest to
    the end of the first page of the newest, 0 when there was one release only.
    """

    host: str
    releases: tuple[str, ...]
    pages: int
    away_seconds: float


def host_changes(visits: Iterable[Visit]) -> list[HostChange]:
    """Give for each server, by name, what it served and how long it gave no page in between."""
    by_host: dict[str, list[Visit]] = {}
    for visit in sorted(visits, key=lambda visit: visit.started):
        if not visit.failure:
            by_host.setdefault(visit.host, []).append(visit)
    return [_host_change(host, seen) for host, seen in sorted(by_host.items())]


def _host_change(host: str, seen: Sequence[Visit]) -> HostChange:
    releases = tuple(dict.fromkeys(visit.release for visit in seen))
    away = 0.0
    if len(releases) > 1:
        last = max(visit.started for visit in seen if visit.release == releases[-2])
        first = min(visit.ended for visit in seen if visit.release == releases[-1])
        away = max(0.0, first - last)
    return HostChange(host, releases, len(seen), away)
