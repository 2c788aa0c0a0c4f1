"""Ask a URL many times and show which servers and releases answer, and how fast."""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from herder.cli.command_parser import CommandParser, parse_words, positive_integer
from herder.cli.printing import printer
from herder.display.table import Column, Row, Table, Tone
from herder.errors import UsageError
from herder.lab.visit_table import Share, failures, share, shares
from herder.lab.visitors import Door, Visit, Visitor

_COLUMNS = (
    Column("server"),
    Column("release"),
    Column("answers", is_number=True),
    Column("share", is_number=True),
    Column("errors", is_number=True),
    Column("median", is_number=True),
    Column("95 %", is_number=True),
)


def main(words: Sequence[str]) -> int:
    """Run `herder hit URL`; 0 when every answer came whole with status 200, else 1."""
    chosen = parse_words(_parser(), words)
    if chosen is None:
        return 0
    target = read_url(chosen.url)
    doors = find_doors(target, chosen.resolve)
    visits = asyncio.run(ask(doors, target.path, times=chosen.times, at_once=chosen.at_once))
    if chosen.json:
        sys.stdout.write(json.dumps(document(chosen.url, visits), indent=2) + "\n")
    else:
        printer().table(answer_table(chosen.url, visits))
        for text, count in failures(visits).items():
            printer().line(f"{count} times: {text}", Tone.BAD)
    return 1 if failures(visits) else 0


def _parser() -> CommandParser:
    parser = CommandParser(
        prog="herder hit",
        description="Asks a URL many times, each time as a new visitor on a new connection. A "
        "server is known by a header like X-Site-Host and X-Site-Release, or by the fields host "
        "and release of a JSON answer.",
    )
    parser.add_argument("url", metavar="URL")
    parser.add_argument(
        "-n", dest="times", type=positive_integer, default=100, help="how often (default: 100)"
    )
    parser.add_argument(
        "-c", dest="at_once", type=positive_integer, default=4, help="at once (default: 4)"
    )
    parser.add_argument(
        "--resolve",
        action="append",
        default=[],
        metavar="HOST:IP",
        type=_resolution,
        help="ask HOST at this address; several are asked in turn",
    )
    parser.add_argument("--json", action="store_true", help="as one JSON object")
    return parser


@dataclass(frozen=True, slots=True)
class Target:
    """What a URL asks for. *Shapes*: `path` has the query; `name` is the Host header."""

    host: str
    port: int
    path: str
    name: str
    uses_tls: bool


def read_url(text: str) -> Target:
    """Give the parts of a URL. *Raises*: UsageError, when it is none."""
    parts = urlsplit(text if "://" in text else f"http://{text}")
    try:
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    except (KeyError, ValueError) as error:
        raise UsageError(f"URL {text!r}, expected http:// or https://") from error
    if not parts.hostname or not (parts.path + parts.query).isascii():
        raise UsageError(f"URL {text!r}, expected a host and a path of ASCII characters")
    query = f"?{parts.query}" if parts.query else ""
    path = (parts.path or "/") + query
    return Target(parts.hostname, port, path, parts.netloc, parts.scheme == "https")


def find_doors(target: Target, resolutions: Sequence[tuple[str, str]]) -> list[Door]:
    """Give where to ask. *Raises*: UsageError, when the name is not found or nothing is for it."""
    addresses = [address for host, address in resolutions if host == target.host]
    if resolutions and not addresses:
        hosts = ", ".join(host for host, _ in resolutions)
        raise UsageError(f"--resolve for {hosts}, but the URL asks {target.host!r}")
    if not addresses:
        try:
            found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise UsageError(
                f"no address for {target.host!r}: {error.strerror or error}",
                hint=f"--resolve {target.host}:ADDRESS",
            ) from error
        addresses = [str(found[0][4][0])]
    return [Door(address, target.port, target.name, target.uses_tls) for address in addresses]


async def ask(doors: Sequence[Door], path: str, *, times: int, at_once: int) -> list[Visit]:
    """Ask so often, each time as somebody who was never here; give how each ended."""
    visits: list[Visit] = []
    turns = iter(range(times))

    async def worker(turns: Iterator[int]) -> None:
        for turn in turns:
            visit = await Visitor([doors[turn % len(doors)]]).visit(path)
            visits.append(visit)

    async with asyncio.TaskGroup() as group:
        for _ in range(min(at_once, times)):
            group.create_task(worker(turns))
    return visits


def answer_table(url: str, visits: Sequence[Visit]) -> Table:
    """Give the table of who answered."""
    rows = [_row(each, len(visits)) for each in shares(visits)]
    everything = share(visits)
    failed = f"{everything.failures} errors" if everything.failures else "no error"
    summary = (
        f"{everything.answers} answers, {failed}; median "
        f"{_milliseconds(everything.median_seconds)}, 95 % within "
        f"{_milliseconds(everything.p95_seconds)}, slowest "
        f"{_milliseconds(everything.slowest_seconds)}"
    )
    return Table(f"{len(visits)} times {url}", _COLUMNS, tuple(rows), (summary,))


def document(url: str, visits: Sequence[Visit]) -> dict[str, object]:
    """Give the same as a JSON object; times are in seconds."""
    everything = asdict(share(visits))
    del everything["host"], everything["release"]
    return {
        "url": url,
        **everything,
        "servers": [asdict(each) for each in shares(visits)],
        "errors": failures(visits),
    }


def _row(each: Share, total: int) -> Row:
    asked = each.answers + each.failures
    cells = (
        each.host or "?",
        each.release or "?",
        str(each.answers),
        f"{100 * asked / total:.0f} %",
        str(each.failures),
        _milliseconds(each.median_seconds),
        _milliseconds(each.p95_seconds),
    )
    return Row(cells, Tone.BAD if each.failures else Tone.PLAIN)


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms"


def _resolution(text: str) -> tuple[str, str]:
    """Read HOST:IP, or HOST:PORT:IP as curl takes it."""
    host, _, rest = text.partition(":")
    port, colon, address = rest.partition(":")
    if colon and port.isdecimal():
        rest = address
    if not host or not rest:
        raise argparse.ArgumentTypeError(f"{text!r}, expected HOST:IP")
    return host, rest.strip("[]")
