"""What is known of a module that the agent may answer for: its arguments and its words."""

from __future__ import annotations

import grp
import os
import pwd
import stat

from herder.wire.frames import Head
from herder.wire.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, FrozenSet, Optional, Tuple

PLACES = ("path", "dest", "name")
OWNED = ("owner", "group")
# Source: module_utils/basic.py, FILE_COMMON_ARGUMENTS
ATTRIBUTES = ("mode", *OWNED, "seuser", "serole", "selevel", "setype", "attributes")
_OCTAL = frozenset("01234567")


class Known(Record):
    """One module.

    *Shapes*: `varying` arguments may differ from call to call of a shape, `fixed` ones are part of
    it, others are not known; `place` says which file is meant; `rest` is what the module makes of
    arguments that nobody gave, in its order; `words` are all keys that a result may have;
    `is_plain` says whether the varying arguments mean what they seem to; `numbers` gives what the
    module would say of this path, or None when there may be something to do.
    """

    varying: Tuple[str, ...]
    fixed: Tuple[str, ...]
    place: Callable[[str, Head], str]
    rest: Head
    words: FrozenSet[str]
    is_plain: Callable[[Head], bool]
    numbers: Callable[[str, Head], Optional[Head]]


def is_owned_as_wished(status: os.stat_result, wishes: Head) -> bool:
    """Whether mode, owner and group are as they are wished, when they are."""
    return has_mode(status, wishes.get("mode")) and has_owners(status, wishes)


def has_owners(status: os.stat_result, wishes: Head) -> bool:
    """Whether owner and group are as they are wished, when they are."""
    return _is_owned(
        wishes.get("owner"), status.st_uid, lambda name: pwd.getpwnam(name)[2]
    ) and _is_owned(wishes.get("group"), status.st_gid, lambda name: grp.getgrnam(name)[2])


def octal(wanted: object) -> Optional[int]:
    """Give the bits of a mode that is a number; None for one in words."""
    if isinstance(wanted, str) and 0 < len(wanted) <= 5 and _OCTAL.issuperset(wanted):
        return int(wanted, 8)
    return wanted if type(wanted) is int else None


def has_mode(status: os.stat_result, wanted: object) -> bool:
    """Whether the bits of a mode are those that are wished, when they are."""
    return wanted is None or octal(wanted) == stat.S_IMODE(status.st_mode)


def _is_owned(wanted: object, number: int, find: Callable[[str], int]) -> bool:
    if wanted is None:
        return True
    try:
        return isinstance(wanted, str) and not wanted.isdigit() and find(wanted) == number
    except KeyError:
        return False
