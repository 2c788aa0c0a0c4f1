"""The module `file` when it finds a file or a directory as it should be.

*Source*: ansible-core 2.19 and 2.21 modules/file.py (`ensure_file_attributes`, `ensure_directory`),
module_utils/basic.py (`add_path_info`).
"""

from __future__ import annotations

import grp
import os
import pwd
import stat

from herder.agent.known import ATTRIBUTES, OWNED, PLACES, Known, is_owned_as_wished
from herder.wire.frames import Head

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional

_NUMBERS = ("path", "diff", "uid", "gid", "owner", "group", "mode", "state", "size")


def _is_plain(wishes: Head) -> bool:
    return (
        wishes.get("state") in ("file", "directory")
        and not wishes.get("recurse")
        and str(wishes.get("_original_basename") or "").isascii()
    )


def _place(path: str, wishes: Head) -> str:
    """Give the file inside a directory that is meant, as `additional_parameter_handling` does."""
    name = wishes.get("_original_basename")
    return os.path.join(path, name) if name and os.path.isdir(path) else path


def _numbers(path: str, wishes: Head) -> Optional[Head]:
    status = os.lstat(path)
    if _state(status) != wishes["state"] or not is_owned_as_wished(status, wishes):
        return None
    return {
        "path": path,
        "diff": {"before": {"path": path}, "after": {"path": path}},
        "uid": status.st_uid,
        "gid": status.st_gid,
        "owner": pwd.getpwuid(status.st_uid)[0],
        "group": grp.getgrgid(status.st_gid)[0],
        "mode": f"0{stat.S_IMODE(status.st_mode):03o}",
        "state": wishes["state"],
        "size": status.st_size,
    }


def _state(status: os.stat_result) -> str:
    if stat.S_ISDIR(status.st_mode):
        return "directory"
    return "file" if stat.S_ISREG(status.st_mode) and status.st_nlink == 1 else ""


FILE = Known(
    varying=(*PLACES, "mode", "_original_basename"),
    fixed=(*OWNED, "state", "follow", "recurse", "force"),
    place=_place,
    rest={
        "recurse": False,
        "force": False,
        "follow": True,
        **dict.fromkeys(("modification_time_format", "access_time_format"), "%Y%m%d%H%M.%S"),
        "unsafe_writes": False,
        **dict.fromkeys(("_original_basename", "_diff_peek", "src"), None),
        **dict.fromkeys(("modification_time", "access_time", *ATTRIBUTES), None),
    },
    words=frozenset((*_NUMBERS, "changed", "invocation")),
    is_plain=_is_plain,
    numbers=_numbers,
)
