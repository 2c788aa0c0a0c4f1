"""What to try after a failure."""

from __future__ import annotations

import pytest

from herder.display.advice import advice_for


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        ("msg Missing sudo password", "-K"),
        ("module_stderr sudo: interactive authentication is required", "-K"),
        ("msg sudo: I'm sorry mia. I'm afraid I can't do that", "become root"),
        ("msg Could not get lock /var/lib/dpkg/lock-frontend", "lock_timeout"),
        ("stderr No space left on device", "df -h"),
        ("msg 'release' is undefined", "default()"),
        ("msg Connection timed out", "firewall"),
        ("msg something new", ""),
    ],
)
def test_known_words_have_an_advice(failure: str, words: str) -> None:
    """An error should say what to try; a wrong guess would be worse than none."""
    advice = advice_for(failure)

    assert words in advice
    assert bool(advice) is bool(words)


@pytest.mark.parametrize(
    "failure",
    [
        "msg Unable to execute ssh command line on a controller: [Errno 2] No such file or "
        "directory: '/nowhere/ssh'",
        "msg podman command not found in PATH",
    ],
)
def test_what_is_missing_on_the_controller_is_not_looked_for_on_the_host(failure: str) -> None:
    """Both are told of a task that failed, as by ansible-core."""
    assert "this machine" in advice_for(failure)


@pytest.mark.parametrize(
    ("failure", "of_the_host", "of_the_task"),
    [
        ("msg Host key verification failed.", "ssh-keygen -R", "accept_hostkey"),
        ("msg git@moo: Permission denied (publickey).", "--private-key", "which key"),
        ("msg ssh: Could not resolve hostname moo", "ansible_host", "the DNS there"),
        ("msg cannot start 'ssh': [Errno 24] Too many open files", "ulimit -n", ""),
        ("msg cannot start 'ssh': [Errno 2] No such file or directory: 'ssh'", "this machine", ""),
    ],
)
def test_words_of_ssh_are_about_the_host_only_when_it_was_not_reached(
    failure: str, of_the_host: str, of_the_task: str
) -> None:
    """A task that clones from a server that nobody knows has nothing to do with the inventory."""
    assert of_the_host in advice_for(failure, is_unreachable=True)
    advice = advice_for(failure)
    assert of_the_task in advice
    assert of_the_host not in advice
