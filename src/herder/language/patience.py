"""What was turned away at a server's door is tried again, as long as others are let in.

That is a command of a stock plugin, which makes a connection of its own, and the module `git`: with
all hosts at once a git server meets them all at the same moment, and an sshd as it comes takes ten
(model/door.py). ansible-playbook's five forks never met that, so it is ours to mend.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from herder.language.blocking import LoopThread
from herder.model.door import Door, was_turned_away

GIT = ("ansible.builtin.git", "ansible.legacy.git")


def knocking(
    loop: LoopThread, door: Door, attempted: Callable[[], Any], refusal: type[Exception]
) -> Any:
    """Try, and again while what is refused is worth another attempt.

    *Raises*: what the last attempt raises.
    """
    attempts = 0
    while True:
        try:
            value = attempted()
        except refusal as error:
            attempts += 1
            pause = door.pause(str(error), attempts)
            if pause is None:
                raise
        else:
            door.let_in()
            return value
        # on the loop, where a task's deadline ends it
        loop.call(asyncio.sleep(pause))


def patiently(action: Any, attempted: Callable[[], Any]) -> Any:
    """Give the result of an action's module; that of `git` when its server took the connection."""
    if action._task.resolved_action not in GIT:
        return attempted()
    carrier = action._connection.herder_carrier
    try:
        return knocking(carrier.loop, carrier.git_door, lambda: _let_in(attempted()), _TurnedAway)
    except _TurnedAway as refused:
        return refused.result


class _TurnedAway(Exception):
    """The result of a module whose server took no more connections."""

    def __init__(self, words: str, result: Any) -> None:
        super().__init__(words)
        self.result = result


def _let_in(result: Any) -> Any:
    words = str(result.get("msg"))
    if result.get("failed") and was_turned_away(words):
        raise _TurnedAway(words, result)
    return result
