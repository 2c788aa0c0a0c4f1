"""Have N web servers: create and provision what lacks, drain and end what is too much."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from herder.cli.command_parser import CommandParser, positive_integer
from herder.errors import UsageError
from herder.lab.mootube import find_example
from herder.lab.scaling import CREATE, Servers, Site, Step, Teller, scale

_INVENTORIES = ("hosts.ini", "inventory/aws_ec2.yml")


def main(words: Sequence[str]) -> int:
    """Run `herder scale N`; 0 when there are as many as wished."""
    parser = _parser()
    # What is not ours is ansible-playbook's; --help leaves by itself.
    try:
        chosen, rest = parser.parse_known_args(list(words))
    except SystemExit:
        return 0
    site = Site(
        _folder(chosen.folder),
        tuple(_absolute(name) for name in chosen.inventory) or _INVENTORIES,
        tuple(rest),
    )
    started = time.monotonic()
    servers = asyncio.run(scale(site, chosen.count, Teller(_say_step, show_passing)))
    _say(f"{describe(servers)}, {time.monotonic() - started:.1f} s in all.")
    return 0


def _parser() -> CommandParser:
    parser = CommandParser(
        prog="herder scale",
        allow_abbrev=False,
        description="Brings MooTube, or a site laid out like it, to N web servers with its own "
        "playbooks. Further options are ansible-playbook's and go to each of them.",
    )
    parser.add_argument("count", metavar="N", type=positive_integer, help="web servers to have")
    parser.add_argument("-i", "--inventory", action="append", default=[], metavar="INVENTORY")
    parser.add_argument("--folder", type=Path, help="of the playbooks (default: MooTube's)")
    return parser


def _folder(wanted: Path | None) -> Path:
    folder = find_example().ansible_folder if wanted is None else wanted.resolve()
    if not (folder / CREATE).is_file():
        raise UsageError(f"no {CREATE} in {str(folder)!r}", hint="name the folder with --folder")
    return folder


def _absolute(name: str) -> str:
    """Give an inventory as it can be named from another folder."""
    return str(Path(name).resolve()) if Path(name).exists() else name


def describe(servers: Servers) -> str:
    """Say how many web servers there are and which."""
    names = [*servers.fixed, *servers.instances]
    return f"{len(names)} web servers: {', '.join(names)}"


def show_passing(task: str) -> None:
    """Show a task on a line that the next one takes; on a terminal only."""
    if sys.stdout.isatty():
        sys.stdout.write(f"\r\x1b[K  {task[:76]}" if task else "\r\x1b[K")
        sys.stdout.flush()


def _say_step(step: Step) -> None:
    _say(f"{step}.")


def _say(text: str) -> None:
    sys.stdout.write(f"  {text}\n")
    sys.stdout.flush()
