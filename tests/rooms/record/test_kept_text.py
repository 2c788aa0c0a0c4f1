"""What is written down of results and command lines."""

from __future__ import annotations

import json

import pytest

from herder.record.kept_text import kept_command, kept_result


@pytest.mark.parametrize(
    ("word", "kept"),
    [
        ("release=42", "release=42"),
        ("db_password=hunter2", "'db_password=********'"),
        ("user=ann api_key='a b' port=1", "'user=ann api_key=******** port=1'"),
        ('{"admin_token": "abc", "n": 1}', '\'{"admin_token": ********, "n": 1}\''),
        ("@secrets.yml", "@secrets.yml"),
        ("--vault-password-file=~/.vault", "'--vault-password-file=~/.vault'"),
        ("--extra-vars=become_pass=x", "'--extra-vars=become_pass=********'"),
        ("--args=name=x password=hunter2", "'--args=name=x password=********'"),
        ("-aname=x password=hunter2", "'-aname=x password=********'"),
        ("-bapassword=hunter2", "'-bapassword=********'"),
        ("db_pwd=hunter2", "'db_pwd=********'"),
        ('{"pass": "a\\"hunter2 x"}', "'{\"pass\": ********}'"),
        ("repo=https://ann:hunter2@h/x", "'repo=https://ann:********@h/x'"),
    ],
)
def test_secrets_given_on_the_command_line_are_not_kept(word: str, kept: str) -> None:
    """A record is read by more people than the shell's history, and for longer."""
    assert kept_command(["herder", word]) == f"herder {kept}"


def test_a_result_is_kept_as_it_was() -> None:
    """What a module said is what one looks for weeks later."""
    result = {"rc": 1, "stderr": "nö", "nested": {"a": [1]}}

    assert json.loads(kept_result(result, 1000)) == result


def test_a_long_result_is_cut_and_says_so() -> None:
    """100 MB of output must not fill the disk, and nobody should take the start for all of it."""
    text = kept_result({"msg": "broken", "stdout": "x" * 100_000}, 1000)

    kept = json.loads(text)
    assert len(text) < 1200
    assert kept["msg"] == "broken"
    assert "limit is 1000 bytes" in kept["_cut"]
    assert kept["start"].startswith('{"msg"')


def test_gathered_facts_are_counted_not_kept() -> None:
    """They are the largest results by far and say nothing about the run."""
    facts = {f"fact{number}": number for number in range(90)}

    assert json.loads(kept_result({"ansible_facts": facts}, 1000)) == {
        "ansible_facts": "90 facts, not kept"
    }
