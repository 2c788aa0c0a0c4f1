"""What is at a path on a host, as action plugins get it.

ansible-core's own plugins read the few fields that are given here; others may read whatever the
module `stat` tells, so these are told it by the module.

*Source*: ansible-core 2.19 plugins/action/__init__.py, `_execute_remote_stat`; modules/stat.py.
"""

from __future__ import annotations

import inspect
import os
import stat as modes
from typing import Any

from ansible.plugins.action import ActionBase

from herder.errors import OperationFailed
from herder.language import core_version
from herder.model.ports import FileStatus

_OWN_ACTIONS = os.path.dirname(inspect.getfile(ActionBase))


def is_cores_own(action: Any) -> bool:
    """Say whether an action plugin is one that comes with ansible-core."""
    return os.path.dirname(inspect.getfile(type(action))) == _OWN_ACTIONS


def no_information(path: str, error: OperationFailed) -> Exception:
    """Give the error for a path of which nothing can be told."""
    reason = os.strerror(error.errno) if error.errno else error.reason
    return core_version.AnsibleError(f"Failed to get information on remote file ({path}): {reason}")


def as_stat_module_has_it(path: str, status: FileStatus) -> dict[str, Any]:
    """Give a status under the names of the module `stat`."""
    if not status.exists:
        return {"exists": False, "checksum": "1"}
    facts = {
        "exists": True,
        "path": path,
        "mode": f"{modes.S_IMODE(status.mode):04o}",
        "isdir": status.is_directory,
        "isreg": status.is_regular,
        "islnk": status.is_link,
        "uid": status.uid,
        "gid": status.gid,
        "size": status.size,
        "mtime": status.modified,
        "checksum": status.checksum,
    }
    links = {"lnk_source": status.link_source, "lnk_target": status.link_target}
    return facts | (links if status.is_link else {})
