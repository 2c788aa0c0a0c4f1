"""Have N web servers: create and provision what lacks, drain and end what is too much."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from herder.cli.command_parser import CommandParser, parse_words, positive_integer
from herder.cli.playbook_words import add_playbook_options, playbook_words
from herder.errors import UsageError
from herder.interrupts import ended_as_by_a_key
from herder.lab.mootube import find_example
from herder.lab.scaling import CREATE, Servers, Site, Step, Teller, scale

_INVENTORIES = ("hosts.ini", "inventory/aws_ec2.yml")
_LOOKS = ("ANSIBLE_STDOUT_CALLBACK", "ANSIBLE_FORCE_COLOR", "ANSIBLE_NOCOLOR", "ANSIBLE_NOCOWS")
_BROKEN_OFF = (
    "Broken off: servers may be there and not in use. The same command again goes on from\n"
    "  here; with the number from before, it goes back."
)


def main(words: Sequence[str]) -> int:
    """Run `herder scale N`; 0 when there are as many as wished."""
    chosen = parse_words(_parser(), words)
    if chosen is None:
        return 0
    site = site_of(chosen)
    started = time.monotonic()
    with ended_as_by_a_key():
        try:
            servers = asyncio.run(scale(site, chosen.count, Teller(_say_step, show_passing)))
        except KeyboardInterrupt:
            show_passing("")
            _say(_BROKEN_OFF)
            raise
    _say(f"{describe(servers)}, {time.monotonic() - started:.1f} s in all.")
    return 0


def _parser() -> CommandParser:
    parser = CommandParser(
        prog="herder scale",
        allow_abbrev=False,
        description="Brings MooTube, or a site laid out like it, to N web servers with its own "
        "playbooks. Further options are ansible-playbook's and go to each of them; those that "
        "choose hosts (-l) or only show something (--check) are refused.",
    )
    parser.add_argument("count", metavar="N", type=positive_integer, help="web servers to have")
    parser.add_argument(
        "-i", "--inventory", "--inventory-file", action="append", default=[], metavar="INVENTORY"
    )
    parser.add_argument("--folder", type=Path, help="of the playbooks (default: MooTube's)")
    add_playbook_options(parser)
    return parser


def site_of(chosen: argparse.Namespace) -> Site:
    """Give the site with what is common to all its playbooks. *Raises*: UsageError."""
    folder = _folder(chosen.folder)
    given = playbook_words(chosen)
    return Site(
        folder,
        tuple(_found(name, folder) for name in chosen.inventory or _INVENTORIES),
        given.options,
        environment=_ansible_settings(os.environ),
        inventory_options=given.for_inventory,
        passwords=given.passwords,
        directory=Path.cwd(),
    )


def _ansible_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Give the settings that `herder playbook` would obey, but for how its output looks."""
    return {
        name: text
        for name, text in environment.items()
        if name.startswith("ANSIBLE_") and name not in _LOOKS
    }


def _folder(wanted: Path | None) -> Path:
    folder = find_example().ansible_folder if wanted is None else wanted.resolve()
    if not (folder / CREATE).is_file():
        raise UsageError(f"no {CREATE} in {str(folder)!r}", hint="name the folder with --folder")
    return folder


def _found(name: str, folder: Path) -> str:
    """Give an inventory's path: from here, or else from the folder of the playbooks."""
    paths = (path.resolve() for path in (Path(name), folder / name) if path.exists())
    return str(next(paths, name))


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
