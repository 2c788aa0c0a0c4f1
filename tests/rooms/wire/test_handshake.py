"""wire/handshake.py: the greeting is found in any noise, and only the greeting."""

from __future__ import annotations

import pytest

from herder.wire.frames import WireError
from herder.wire.handshake import GREETING, Greeting, encode_greeting, find_greeting

HELLO = Greeting("/usr/bin/python3", (3, 11, 2), "root", 0, "/root", "Linux", 42, 7)


@pytest.mark.parametrize("noise", [b"", b"Welcome!\n", b"\xff\0 HERDER-GREET \n" * 50])
def test_greeting_is_found_behind_any_noise(noise: bytes) -> None:
    """A message of the day or a shell profile may print what it likes first."""
    line = encode_greeting(HELLO)

    found = find_greeting(noise + line + b"frames")

    assert found == (HELLO, len(noise) + len(line))


def test_greeting_that_is_not_whole_is_waited_for() -> None:
    """Bytes come in any pieces."""
    line = encode_greeting(HELLO)

    assert all(find_greeting(line[:cut]) is None for cut in range(len(line)))


@pytest.mark.parametrize(
    "text",
    [b"{}\n", b"[1]\n", b"not json\n", b'{"python_version": [3]}\n', b"x" * 20_000],
)
def test_greeting_that_is_none_is_refused(text: bytes) -> None:
    """What is not understood must not be taken for an agent."""
    with pytest.raises(WireError):
        find_greeting(GREETING + text)
