"""The options of ansible-playbook that a command gives to each of the playbooks it runs."""

from __future__ import annotations

import argparse
import getpass
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from herder.cli.command_parser import CommandParser
from herder.errors import UsageError
from herder.lab.passwords import VaultPassword
from herder.model.secret import Secret

# Source: ansible-core 2.19 to 2.21, cli/playbook.py and cli/arguments/option_helpers.py.
_FLAGS = (
    ("-v", "--verbose"),
    ("-b", "--become"),
    ("-D", "--diff"),
    ("--force-handlers",),
    ("--flush-cache",),
)
_WITH_VALUE = (
    ("--private-key", "--key-file"),
    ("-u", "--user"),
    ("-c", "--connection"),
    ("-T", "--timeout"),
    ("--ssh-common-args",),
    ("--sftp-extra-args",),
    ("--scp-extra-args",),
    ("--ssh-extra-args",),
    ("--connection-password-file", "--conn-pass-file"),
    ("--become-method",),
    ("--become-user",),
    ("--become-password-file", "--become-pass-file"),
    ("-t", "--tags"),
    ("--skip-tags",),
    ("-f", "--forks"),
    ("-M", "--module-path"),
)
# ansible-inventory takes these too, and must: an inventory may have encrypted variables.
_OF_INVENTORIES = (
    ("-e", "--extra-vars"),
    ("--vault-id",),
    ("--vault-password-file", "--vault-pass-file"),
)
_ASK_VAULT = ("-J", "--ask-vault-pass", "--ask-vault-password")
# The playbooks have no terminal, and ansible-core reads these from no pipe.
_ASKED_NOWHERE = {
    ("-k", "--ask-pass"): "--connection-password-file",
    ("-K", "--ask-become-pass"): "--become-password-file",
}
_PROMPT = "@prompt"


@dataclass(frozen=True, slots=True)
class PlaybookWords:
    """What is given to each playbook. *Shapes*: `for_inventory` are those of `options` that
    ansible-inventory takes.
    """

    options: tuple[str, ...]
    for_inventory: tuple[str, ...]
    passwords: tuple[VaultPassword, ...]


class _Kept(argparse.Action):
    """Keeps an option and its value as words."""

    def __call__(self, _parser: Any, chosen: Any, value: Any, option: str | None = None) -> None:
        words = [*(getattr(chosen, self.dest) or []), *_words(option or "", value)]
        setattr(chosen, self.dest, words)


class _Refused(argparse.Action):
    """Refuses an option and names the one to take instead."""

    def __call__(self, _parser: Any, _chosen: Any, _value: Any, option: str | None = None) -> None:
        text = f"{option} asks at a terminal, and the playbooks have none"
        raise UsageError(text, hint=f"{self.const} FILE")


def _words(option: str, value: str | list[str]) -> list[str]:
    if not isinstance(value, str):
        return [option]
    # a value that looks like an option would be taken for one
    joint = "=" if option.startswith("--") else ""
    return [f"{option}{joint}{value}"] if value.startswith("-") else [option, value]


def add_playbook_options(parser: CommandParser) -> None:
    """Add what `playbook_words` reads. Those that choose hosts or tasks, or only show something,
    are left out: a command that runs several playbooks cannot do its work with them.
    """
    for names in _FLAGS:
        _keep(parser, names, "options", nargs=0)
    for names in _WITH_VALUE:
        _keep(parser, names, "options")
    for names in _OF_INVENTORIES:
        _keep(parser, names, "for_inventory")
    parser.add_argument(*_ASK_VAULT, dest="ask_vault", action="store_true", help=argparse.SUPPRESS)
    for names, file_option in _ASKED_NOWHERE.items():
        parser.add_argument(
            *names, action=_Refused, nargs=0, const=file_option, help=argparse.SUPPRESS
        )


def _keep(parser: CommandParser, names: Sequence[str], dest: str, **more: Any) -> None:
    parser.add_argument(*names, dest=dest, action=_Kept, help=argparse.SUPPRESS, **more)


def playbook_words(chosen: argparse.Namespace) -> PlaybookWords:
    """Give the options, asking for the passwords once. *Raises*: UsageError, without an answer."""
    for_inventory: list[str] = []
    passwords: list[VaultPassword] = []
    for word in chosen.for_inventory or ():
        if word.endswith(_PROMPT) and for_inventory[-1:] == ["--vault-id"]:
            for_inventory.pop()
            label = word.removesuffix(_PROMPT)
            passwords.append(VaultPassword(label, _ask(f"Vault password ({label}): ")))
        else:
            for_inventory.append(word)
    if chosen.ask_vault:
        passwords.append(VaultPassword("", _ask("Vault password: ")))
    options = (*(chosen.options or ()), *for_inventory)
    return PlaybookWords(options, tuple(for_inventory), tuple(passwords))


def _ask(question: str) -> Secret:
    try:
        return Secret(getpass.getpass(question))
    except EOFError as error:
        raise UsageError(f"no answer to {question.rstrip(': ')!r}") from error
