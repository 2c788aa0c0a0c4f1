"""The module `git` tries again while its server takes no more connections.

With all hosts at once a git server meets them all at the same moment, and an sshd as it comes takes
ten (model/door.py). ansible-playbook's five forks never met that, so it is ours to mend.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from herder.model.door import was_turned_away

GIT = ("ansible.builtin.git", "ansible.legacy.git")


def patiently(action: Any, attempted: Callable[[], Any]) -> Any:
    """Give the result of an action's module, tried anew as long as that has a sense."""
    result = attempted()
    if action._task.resolved_action not in GIT:
        return result
    carrier = action._connection.herder_carrier
    attempts = 0
    while _is_at_door(result):
        attempts += 1
        pause = carrier.git_door.pause(attempts)
        if pause is None:
            return result
        # on the loop, where a task's deadline ends it
        carrier.loop.call(asyncio.sleep(pause))
        result = attempted()
    carrier.git_door.let_in()
    return result


def _is_at_door(result: Any) -> bool:
    return bool(result.get("failed")) and was_turned_away(str(result.get("msg")))
