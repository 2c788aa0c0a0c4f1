"""A server's door: whether who was turned away there knocks again, and when.

An sshd that has several connections which have not logged in yet closes new ones at once: by lot
from the tenth on, as it comes (sshd_config(5), MaxStartups). A jump host meets that as soon as many
hosts behind it are connected at the same time. Whoever is turned away was asked nothing and has
asked nothing, so knocking again is safe, and is right as long as others are let in.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable

PATIENCE_SECONDS = 8.0
ATTEMPTS_MAX = 15
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 4.0

# Source: openssh kex.c, kex_exchange_identification; before 8.0 ssh_exchange_identification
_TURNED_AWAY = re.compile(
    r"(?:kex|ssh)_exchange_identification: (?:read: )?Connection (?:closed|reset) by"
)
# Since 9.5 an ssh that is not verbose has only these words for a connection that was closed. A
# server that got further has said more, or ssh has: a banner, a host key, a refused login.
_CLOSED = re.compile(r"(?:^|: +)Connection closed by \S+ port \d+$")
_GIT_GOES_ON = re.compile(r"fatal: Could not read from remote|Please make sure|and the repository")
# What a jump host or a proxy command says when the reason is another one.
_OTHER_REASON = re.compile(
    r"Permission denied|Connection refused|Could not resolve|Host key verification failed|timed out"
    r"|No route to host|is unreachable|forwarding failed|not found|authentication failures"
)


def was_turned_away(words: str) -> bool:
    """Say whether these words of ssh mean that a server took no more connections just then."""
    if _TURNED_AWAY.search(words):
        return not _OTHER_REASON.search(words)
    lines = [line for line in map(str.strip, words.splitlines()) if line]
    closed = [line for line in lines if _CLOSED.search(line)]
    return bool(closed) and all(line in closed or _GIT_GOES_ON.match(line) for line in lines)


class Door:
    """Decides for all hosts of a run; asked from any thread.

    *Units*: `now` gives seconds; `draw` a number between its two arguments.
    """

    def __init__(
        self,
        now: Callable[[], float] = time.monotonic,
        draw: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._now = now
        self._draw = draw
        self._shut_since: float | None = None

    def let_in(self) -> None:
        """Somebody was let in: whoever is turned away from now on has reason to be patient."""
        self._shut_since = None

    def pause(self, words: str, attempts: int) -> float | None:
        """Give the seconds until one who failed with these words knocks again; None: no more.

        *Shapes*: `attempts` is 1 after the first time.
        """
        if not was_turned_away(words):
            return None
        now = self._now()
        if self._shut_since is None:
            self._shut_since = now
        if attempts >= ATTEMPTS_MAX or now - self._shut_since >= PATIENCE_SECONDS:
            return None
        longest = min(_FIRST_PAUSE_SECONDS * 2 ** (attempts - 1), _LONGEST_PAUSE_SECONDS)
        return self._draw(longest / 2, longest)
