"""Refuses words that leave the deploy role out of a deployment, before anything changes.

Nothing would be staged then, nor switched; what is left of the play was written to run after that.

*Source*: ansible-core 2.19 executor/play_iterator.py (tags, start_at_task).
"""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from typing import Any

from herder.errors import UsageError
from herder.language.passes import DeployRole, tasks_of

HINT = "leave that out; `herder playbook` runs other tasks of the play alone"


def require_role(
    play: Any, role: DeployRole, variables: Mapping[str, Any], start_at: str | None
) -> None:
    """Look whether the role runs, with the play's tags and from this task on.

    *Raises*: UsageError when it does not, or not from its first task on.
    """
    if not role.first_task.evaluate_tags(play.only_tags, play.skip_tags, variables):
        raise UsageError("the tags that are given leave the deploy role out", hint=HINT)
    if start_at is not None and not _is_begun_before(play, role, start_at):
        raise UsageError(
            f"--start-at-task {start_at!r} leaves the deploy role out, or its beginning", hint=HINT
        )


def _is_begun_before(play: Any, role: DeployRole, start_at: str) -> bool:
    for task in tasks_of(play):
        if any(fnmatch.fnmatch(name, start_at) for name in (task.name or "", task.get_name())):
            return True
        if task.get_path() == role.first_task.get_path():
            return False
    return False
