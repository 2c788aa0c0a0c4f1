"""Whether the groups this process has are still those its user has: a task may change them.

sudo gives each task the groups of that moment; an agent that stays has those of its start.
"""

from __future__ import annotations

import os
import pwd

_GROUPS = "/etc/group"


class Accounts:
    """Notices that the file of groups was changed."""

    def __init__(self) -> None:
        self._seen = _modified()

    def has_changed(self) -> bool:
        """Whether it was changed since this was last asked."""
        before, self._seen = self._seen, _modified()
        return before != self._seen


def are_groups_current() -> bool:
    """Whether we have the groups that a new login would get; root takes them on at once."""
    try:
        user = pwd.getpwuid(os.geteuid())
    except KeyError:
        return True
    if os.geteuid() == 0:
        os.initgroups(user.pw_name, os.getegid())
        return True
    wanted = set(os.getgrouplist(user.pw_name, user.pw_gid))
    return wanted == {*os.getgroups(), os.getegid()}


def _modified() -> int:
    try:
        return os.stat(_GROUPS).st_mtime_ns
    except OSError:
        return 0
