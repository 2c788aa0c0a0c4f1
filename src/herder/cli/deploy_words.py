"""The words of the commands around deployments, beside those of ansible-playbook."""

from __future__ import annotations

import argparse
import getpass
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass

from herder.cli.command_parser import CommandParser, seconds
from herder.model.releases import DeployWishes


@dataclass(frozen=True, slots=True)
class DeployWords:
    """What is ours of the words; all else is ansible-playbook's."""

    release: str = ""
    message: str = ""
    wait_seconds: float = 0.0
    is_plan: bool = False
    is_catching_up: bool = False
    is_json: bool = False
    is_yes: bool = False
    is_help: bool = False


def split_words(words: Sequence[str], command: str) -> tuple[DeployWords, list[str]]:
    """Give our words and ansible-playbook's. *Raises*: UsageError."""
    parser = CommandParser(prog=f"herder {command}", add_help=False, allow_abbrev=False)
    parser.add_argument("-h", "--help", action="store_true")
    if command in ("deploy", "rollback"):
        parser.add_argument("--to" if command == "rollback" else "--release", dest="release")
        parser.add_argument("--message")
        parser.add_argument("--wait", type=seconds)
        parser.add_argument("--plan", action="store_true")
    if command == "deploy":
        parser.add_argument("--catch-up", action="store_true")
    if command == "releases":
        parser.add_argument("--json", action="store_true")
    if command == "unlock":
        parser.add_argument("--yes", action="store_true")
    chosen, rest = parser.parse_known_args(list(words))
    if not rest and not chosen.help:
        # ansible-playbook would print its own help, which says nothing of these commands
        parser.error("no playbook is named")
    return _deploy_words(chosen), rest


def _deploy_words(chosen: argparse.Namespace) -> DeployWords:
    def word(name: str) -> str:
        return getattr(chosen, name, None) or ""

    return DeployWords(
        release=word("release"),
        message=word("message"),
        wait_seconds=getattr(chosen, "wait", None) or 0.0,
        is_plan=getattr(chosen, "plan", False),
        is_catching_up=getattr(chosen, "catch_up", False),
        is_json=getattr(chosen, "json", False),
        is_yes=getattr(chosen, "yes", False),
        is_help=chosen.help,
    )


def wishes_of(words: DeployWords) -> DeployWishes:
    """Give what is wished for, with who wishes it."""
    user, controller = getpass.getuser(), platform.node()
    return DeployWishes(
        user=user,
        controller=controller,
        owner=f"{user}@{controller}/{os.getpid()}/{time.time():.3f}",
        release=words.release,
        message=words.message,
        wait_seconds=words.wait_seconds,
        is_catching_up=words.is_catching_up,
    )
