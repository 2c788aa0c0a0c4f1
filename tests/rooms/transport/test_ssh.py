"""transport/ssh.py: which options ssh gets, and what its end means."""

from __future__ import annotations

import itertools

import pytest

from herder.model.route import SshWay
from herder.model.secret import Secret
from herder.transport.ssh import describe_ssh_failure, ssh_arguments, ssh_program


def options_of(way: SshWay) -> list[str]:
    """Give the values of all -o options."""
    words = ssh_arguments(way)
    return [after for before, after in itertools.pairwise(words) if before == "-o"]


@pytest.mark.parametrize(
    ("way", "option"),
    [
        (SshWay("h", port=2222), "Port=2222"),
        (SshWay("h", user="joe"), 'User="joe"'),
        (SshWay("h", private_key_file="/k"), 'IdentityFile="/k"'),
        (SshWay("h", timeout_seconds=7.0), "ConnectTimeout=7"),
        (SshWay("h", host_key_checking=False), "StrictHostKeyChecking=no"),
        (SshWay("h"), "PasswordAuthentication=no"),
        (SshWay("h", password=Secret("x")), "NumberOfPasswordPrompts=1"),
    ],
)
def test_setting_becomes_the_option_it_has_in_ansible(way: SshWay, option: str) -> None:
    """Source: ansible-core 2.19 plugins/connection/ssh.py, _build_command."""
    assert option in options_of(way)


def test_host_keys_are_checked_and_passwords_allowed_only_when_asked() -> None:
    """What is not set stays ssh's own business."""
    options = options_of(SshWay("h", password=Secret("x")))

    assert not [each for each in options if each.startswith(("StrictHost", "PasswordAuth"))]


def test_users_own_arguments_come_before_ours() -> None:
    """ssh takes the first value it sees of an option."""
    words = ssh_arguments(SshWay("h", port=1, arguments=("-o", "Port=2", "-C")))

    assert words.index("Port=2") < words.index("Port=1")


def test_password_is_neither_in_argv_nor_in_the_environment() -> None:
    """Both can be read by others."""
    program = ssh_program(SshWay("h", password=Secret("s3cret")), "true")

    assert "s3cret" not in repr(program)
    assert not any("s3cret" in word for word in (*program.argv, *program.environment.values()))


@pytest.mark.parametrize(
    ("status", "password", "words", "reason"),
    [
        (255, None, "x: refused", "Failed to connect to the host via ssh: x: refused"),
        (255, Secret("p"), "Permission denied (password).",
         "Invalid/incorrect password: Permission denied (password)."),
        (None, None, "gone", "Failed to connect to the host via ssh: gone"),
        (1, None, "This account is not available",
         "the agent did not start on the host, its shell ended with status 1: "
         "This account is not available"),
    ],
)  # fmt: skip
def test_end_of_ssh_is_told_in_ansibles_words(
    status: int | None, password: Secret | None, words: str, reason: str
) -> None:
    """Users search for these sentences."""
    assert describe_ssh_failure(SshWay("h", password=password), status, words) == reason
