"""What to try after a failure."""

from __future__ import annotations

import pytest

from herder.display.advice import advice_for


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        ("msg Host key verification failed.", "ssh-keygen -R"),
        ("msg root@web1: Permission denied (publickey).", "--private-key"),
        ("msg Missing sudo password", "-K"),
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
