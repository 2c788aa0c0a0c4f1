"""Options of ansible-playbook that a command takes for the playbooks it runs."""

from __future__ import annotations

import argparse
import getpass
from collections.abc import Sequence

import pytest
from ansible.cli.playbook import PlaybookCLI

from herder.cli.command_parser import CommandParser
from herder.cli.playbook_words import add_playbook_options, playbook_words
from herder.errors import UsageError

# Several playbooks cannot do their work with these.
_REFUSED = {
    *("--version", "-C", "--check", "-l", "--limit", "--step", "--start-at-task"),
    *("--list-hosts", "--list-tasks", "--list-tags", "--syntax-check"),
}


def _read(words: Sequence[str]) -> argparse.Namespace:
    parser = CommandParser(prog="herder scale", allow_abbrev=False)
    parser.add_argument("count")
    parser.add_argument("-i", "--inventory", "--inventory-file")
    add_playbook_options(parser)
    return parser.parse_args(list(words))


def test_value_of_an_option_is_not_the_count() -> None:
    """`herder scale --forks 10 4` would have made ten servers, which somebody pays for."""
    chosen = _read(["--forks", "10", "-e", "a=1", "4", "-vv", "--ssh-common-args=-o X=y"])

    assert chosen.count == "4"
    assert playbook_words(chosen).options == (
        *("--forks", "10", "-v", "-v", "--ssh-common-args=-o X=y", "-e", "a=1"),
    )


def test_every_option_of_ansible_playbook_is_known() -> None:
    """One that is not would be refused to somebody whose playbooks need it."""
    theirs = PlaybookCLI(["ansible-playbook", "site.yml"])
    theirs.init_parser()
    parser = CommandParser(prog="herder scale")
    parser.add_argument("-i", "--inventory", "--inventory-file")
    add_playbook_options(parser)

    names = {name for action in theirs.parser._actions for name in action.option_strings}

    assert names - set(parser._option_string_actions) == _REFUSED


@pytest.mark.parametrize("word", sorted(_REFUSED))
def test_what_would_do_half_the_work_is_refused(word: str) -> None:
    """Provisioned with --limit, a server would get visitors without what they come for."""
    with pytest.raises(UsageError):
        _read(["4", word])


def test_passwords_are_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The playbooks run without a terminal: there, the question is its own end."""
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return "hay"

    monkeypatch.setattr(getpass, "getpass", ask)

    words = playbook_words(_read(["4", "-bJ", "--vault-id", "prod@prompt", "--vault-id", "x@y"]))

    assert asked == ["Vault password (prod): ", "Vault password: "]
    assert [password.label for password in words.passwords] == ["prod", ""]
    assert words.for_inventory == ("--vault-id", "x@y")


def test_question_that_cannot_be_asked_is_refused() -> None:
    """It ended in `EOFError` when the first server was paid for already."""
    with pytest.raises(
        UsageError, match="-K asks at a terminal, and the playbooks have none"
    ) as refusal:
        _read(["4", "-bK"])

    assert refusal.value.hint == "--become-password-file FILE"


def test_no_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-D, or a job without a terminal."""

    def asked(_question: str) -> str:
        raise EOFError

    monkeypatch.setattr(getpass, "getpass", asked)

    with pytest.raises(UsageError, match="no answer to 'Vault password'"):
        playbook_words(_read(["4", "--ask-vault-pass"]))
