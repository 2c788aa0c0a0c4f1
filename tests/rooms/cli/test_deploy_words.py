"""cli/deploy_words.py: which words of `herder deploy` are ours."""

from __future__ import annotations

import pytest

from herder.cli.deploy_words import split_words
from herder.errors import UsageError


def test_words_that_are_not_ours_are_those_of_ansible_playbook() -> None:
    """In their order."""
    ours, rest = split_words(["deploy.yml", "--plan", "-i", "hosts.ini", "-vv"], "deploy")
    assert ours.is_plan
    assert rest == ["deploy.yml", "-i", "hosts.ini", "-vv"]


@pytest.mark.parametrize("words", [[], ["--message", "why"]])
def test_without_a_playbook_our_own_help_is_named(words: list[str]) -> None:
    """That of ansible-playbook is long and does not know `herder deploy`."""
    with pytest.raises(UsageError, match="no playbook is named") as refused:
        split_words(words, "deploy")
    assert refused.value.hint == "herder deploy --help"


def test_help_needs_no_playbook() -> None:
    """Nor does the version."""
    assert split_words(["--help"], "rollback")[0].is_help
    assert split_words(["--version"], "rollback")[1] == ["--version"]


@pytest.mark.parametrize("command", ["deploy", "rollback"])
@pytest.mark.parametrize("word", ["--check", "-C", "-CD", "-bDC"])
def test_check_mode_shows_the_plan(command: str, word: str) -> None:
    """A way back in check mode would take the lease and end as not done."""
    assert split_words(["deploy.yml", word], command)[0].is_plan
    assert not split_words(["deploy.yml", "-iC", "-D"], command)[0].is_plan


@pytest.mark.parametrize("name", ["my release", "r\u00e9lease", "../x", "x" * 129])
def test_name_that_cannot_be_a_folder_is_refused_at_once(name: str) -> None:
    """Not by each host, in the middle of the play, three times over."""
    with pytest.raises(UsageError, match="expected letters, digits"):
        split_words(["deploy.yml", "--release", name], "deploy")
