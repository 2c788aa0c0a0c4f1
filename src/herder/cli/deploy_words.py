"""The words of the commands around deployments, beside those of ansible-playbook."""

from __future__ import annotations

import argparse
import os
import platform
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from herder.cli.command_parser import CommandParser, seconds
from herder.model.releases import DeployWishes
from herder.person import user_name

# The collection's release_layout.py has the same: the name becomes a folder on the hosts.
RELEASE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,127}")
# Half a deployment in check mode would compare releases that nobody built.
# Flags may stand together.
CHECK_WORD = re.compile(r"--check|-[bkKDJv]*C[bkKDJvC]*")


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
    ours = _deploy_words(chosen)
    if command == "deploy" and ours.release and not RELEASE_NAME.fullmatch(ours.release):
        parser.error(
            f"--release {ours.release!r}, expected letters, digits and . _ + - only, at most 128"
        )
    is_check = any(CHECK_WORD.fullmatch(word) for word in rest)
    return replace(ours, is_plan=ours.is_plan or is_check), rest


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
    user, controller = user_name(), platform.node()
    return DeployWishes(
        user=user,
        controller=controller,
        owner=f"{user}@{controller}/{os.getpid()}/{time.time():.3f}",
        release=words.release,
        message=words.message,
        wait_seconds=words.wait_seconds,
        is_catching_up=words.is_catching_up,
    )
