"""Bring up local servers to try everything on: up, status, ssh, inventory, cloud, down."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from herder.cli import lab_cloud
from herder.display.host_list import counted
from herder.errors import LabError, UsageError
from herder.lab import lab
from herder.lab.inventory import inventory_text, ssh_words, write_inventory
from herder.lab.place import LabPlace, lab_place
from herder.lab.state import Kind, LabState, state_document

_SERVERS_MAX = 200


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(message, hint=f"{self.prog} --help")


def main(words: Sequence[str]) -> int:
    """Run `herder lab WORDS...` and give the exit code."""
    try:
        chosen = _parser().parse_args(list(words))
    except SystemExit as ended:  # --help has printed and wants to leave
        return int(ended.code or 0)
    if getattr(chosen, "words", []):
        # Options may stand before the server's name and after it; what follows is its command.
        name, *rest = chosen.words
        after = _where_parser()
        after.add_argument("words", nargs=argparse.REMAINDER)
        after.parse_args(rest, chosen)
        chosen.words.insert(0, name)
    act: Callable[[LabPlace, argparse.Namespace], int] = chosen.act
    return act(lab_place(chosen.name, chosen.directory), chosen)


def _parser() -> _Parser:
    parser = _Parser(prog="herder lab", description="Local servers to try everything on.")
    parser.set_defaults(act=_no_act)
    kept = _where_parser()
    acts = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)
    up = acts.add_parser("up", parents=[kept], help="bring N servers up")
    up.add_argument("count", metavar="N", type=_count)
    up.add_argument("--kind", choices=[kind.value for kind in Kind], help="what the servers are")
    up.add_argument("--servers", default="web", metavar="STEM", help="names: web1, web2, ...")
    up.set_defaults(act=_up)
    status = acts.add_parser("status", parents=[kept], help="show the servers")
    status.add_argument("--json", action="store_true", help="as one JSON object")
    status.set_defaults(act=_status)
    ssh = acts.add_parser("ssh", parents=[kept], help="log in, or run a command")
    ssh.add_argument("words", nargs=argparse.REMAINDER, metavar="NAME [COMMAND...]")
    ssh.set_defaults(act=_ssh)
    inventory = acts.add_parser("inventory", parents=[kept], help="print an Ansible inventory")
    inventory.set_defaults(act=_inventory)
    cloud = acts.add_parser("cloud", help="an EC2 endpoint: up, status, env, down")
    lab_cloud.add_words(cloud, kept)
    down = acts.add_parser("down", parents=[kept], help="remove the lab, leaving nothing")
    down.set_defaults(act=_down)
    return parser


def _where_parser() -> _Parser:
    parser = _Parser(add_help=False)
    parser.add_argument("--name", default="lab", help="which lab, when there are several")
    parser.add_argument("--directory", type=Path, help="the folder in which labs are kept")
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _SERVERS_MAX:
        raise argparse.ArgumentTypeError(f"{text!r}, expected 1 to {_SERVERS_MAX}")
    return int(text)


def _no_act(place: LabPlace, chosen: argparse.Namespace) -> int:
    raise UsageError("a command is missing", hint="herder lab --help")


def _up(place: LabPlace, chosen: argparse.Namespace) -> int:
    started = time.monotonic()
    kind = Kind(chosen.kind) if chosen.kind else None
    state = lab.up(place, chosen.count, kind=kind, stem=chosen.servers)
    seconds = time.monotonic() - started
    sys.stdout.write(f"Lab {state.name!r}: {state.kind.value} ({state.reason}).\n")
    sys.stdout.write(_table(state))
    sys.stdout.write(f"{counted(len(state.servers), 'server')} up in {seconds:.1f} s.\n")
    sys.stdout.write(f"Inventory: {place.inventory_file}\n")
    return 0


def _status(place: LabPlace, chosen: argparse.Namespace) -> int:
    state = lab.require_state(place)
    if chosen.json:
        document = {**state_document(state), "directory": str(place.directory)}
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
        return 0
    sys.stdout.write(f"Lab {state.name!r}: {state.kind.value}, in {place.directory}\n")
    sys.stdout.write(_table(state))
    return 0


def _ssh(place: LabPlace, chosen: argparse.Namespace) -> int:
    if not chosen.words:
        raise UsageError("a server's name is missing", hint="herder lab status")
    name, *command = chosen.words
    server = lab.require_state(place).server(name)
    words = [*ssh_words(place, server), *command]
    sys.stdout.flush()
    try:
        os.execvp(words[0], words)  # the person's own terminal goes on as ssh's
    except OSError as error:
        raise LabError(
            f"{words[0]} cannot be started: {error.strerror}",
            hint=f"install {words[0]}, or put its folder into PATH",
        ) from error


def _inventory(place: LabPlace, chosen: argparse.Namespace) -> int:
    state = lab.require_state(place)
    write_inventory(place, state)
    sys.stdout.write(f"# also in {place.inventory_file}\n{inventory_text(place, state)}")
    return 0


def _down(place: LabPlace, chosen: argparse.Namespace) -> int:
    was_there = lab.down(place)
    text = "is down, nothing is left" if was_there else "was not up"
    sys.stdout.write(f"Lab {place.name!r} {text}.\n")
    return 0


def _table(state: LabState) -> str:
    width = max((len(server.name) for server in state.servers), default=0)
    return "".join(
        f"  {server.name:{width}}  {server.address}"
        f"{'' if server.port == 22 else f':{server.port}'}  {server.stage.value}"
        f"  {server.boot_seconds:.1f} s\n"
        for server in state.servers
    )
