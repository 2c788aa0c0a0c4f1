"""Many new files of one task at once: each is made as the module `copy` makes a plain new file.

A directory that is copied for the first time is the same call of `copy` for each of its files. The
module has made the first of them; when that one is what would have been made here (kind, mode,
owner, group), so are the next ones, in their order.

Law: what is not plainly a new file ends the question before it is touched: something is at its
place, a link leads there, the directory hands on access lists, a name or a mode in words, SELinux,
an error of any kind. The module is asked then, and says what is the matter in its own words.

*Source*: ansible-core 2.19 and 2.21 modules/copy.py (`main`) and module_utils/basic.py
(`atomic_move`, `set_fs_attributes_if_different`, `_log_invocation`).
"""

from __future__ import annotations

import grp
import os
import pwd
import stat
import sys
import time

from herder.agent.answers import is_plain, wishes_of
from herder.agent.calls import Call, Line
from herder.agent.known import octal
from herder.agent.resources import Resources
from herder.agent.suppress import suppress
from herder.agent.system_log import SystemLog
from herder.agent.vouched import tells_journal
from herder.wire.frames import Head
from herder.wire.json_text import from_json
from herder.wire.messages import NAMES, PlaceFiles, RunModule, to_operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional

PATIENCE_SECONDS = 10.0
_SELINUX = "/sys/fs/selinux/enforce"
_ACCESS_LIST = "system.posix_acl_default"
_SOURCE = "/.source"
_TEXTS = ("src", "dest", "_original_basename", "checksum", "owner", "group")
_SWITCHES = ("follow", "force", "backup", "local_follow")
_KNOWN = frozenset((*_TEXTS, *_SWITCHES, "mode", "directory_mode"))
# what the module makes of arguments that nobody gave, in its order
REST = {
    "backup": False,
    "force": True,
    "remote_src": False,
    "unsafe_writes": False,
    "content": "NOT_LOGGING_PARAMETER",
    **dict.fromkeys(("validate", "directory_mode", "local_follow", "checksum", "mode")),
    **dict.fromkeys(("owner", "group", "seuser", "serole", "selevel", "setype", "attributes")),
}


class PlaceCall(Call):
    """One such question; the controller keeps it short enough to be answered at once."""

    def __init__(self, line: Line, resources: Resources, call: PlaceFiles) -> None:
        super().__init__(line, resources, NAMES[type(call)])
        self._call = call

    def begin(self, body: bytes) -> None:
        """Make the files, up to the first one that is not plainly new, and say how many."""
        module = to_operation(self._call.module)
        assert isinstance(module, RunModule)
        text, _, content = body.partition(b"\0")
        asked = from_json(text)
        wishes = wishes_of(asked["params"])
        placed = 0
        if has_plain_shape(module, wishes):
            with SystemLog(wishes) as log:
                placed = NewFiles(wishes, log).place(asked["files"], memoryview(content))
        self.line.finish({"placed": placed})


def has_plain_shape(call: RunModule, wishes: Head) -> bool:
    """Whether all that this call of a module asks for is known here."""
    given = {name: wishes[name] for name in wishes if not name.startswith("_ansible_")}
    return (
        call.is_core
        and call.fqn == "ansible.modules.copy"
        and not (call.environment or call.async_seconds or call.extensions != "{}")
        and sys.platform == "linux"
        and not os.path.exists(_SELINUX)
        and not tells_journal()
        and not (wishes.get("_ansible_check_mode") or wishes.get("_ansible_diff"))
        and _KNOWN.issuperset(given)
        and all(isinstance(given.get(name, ""), str) for name in _TEXTS)
        and all(isinstance(given.get(name, False), bool) for name in _SWITCHES)
        and not given.get("follow")
        and str(given.get("dest")).endswith("/")
        and _SOURCE in given.get("src", "")
        and is_plain(wishes, given.get("dest"))
    )


class NewFiles:
    """What one question has in common for all its files."""

    def __init__(self, wishes: Head, log: SystemLog) -> None:
        self._wishes = wishes
        self._given = {name: wishes[name] for name in wishes if not name.startswith("_ansible_")}
        self._log = log
        self._top = str(wishes["dest"]).rstrip("/")
        self._owner = -1
        self._group = -1
        self._folders: Dict[str, int] = {}
        self._umask = os.umask(0)
        os.umask(self._umask)

    def place(self, files: List[List[Any]], content: memoryview) -> int:
        """Make these files in their order; give how many could be made.

        *Shapes*: a file is [_original_basename, bytes, sha1, mode or null], the contents follow one
        another in `content`.
        """
        ends = time.monotonic() + PATIENCE_SECONDS
        placed, start = 0, 0
        with suppress(OSError, KeyError):
            if not self._is_vouched_for():
                return 0
            for name, size, checksum, mode in files:
                piece = content[start : start + size]
                start += size
                is_here = len(piece) == size and time.monotonic() < ends
                if not (is_here and self._make(name, piece, checksum, mode)):
                    break
                placed += 1
        return placed

    def _is_vouched_for(self) -> bool:
        """Whether the module has made of the first file what would have been made here."""
        self._find_owners()
        path = f"{self._top}/{self._wishes['_original_basename']}"
        status = os.lstat(path)
        folder = os.path.dirname(self._wishes["_original_basename"])
        return (
            self._may_use_folder(folder)
            and stat.S_ISREG(status.st_mode)
            and status.st_nlink == 1
            and stat.S_IMODE(status.st_mode) == self._mode(self._given.get("mode"))
            and status.st_uid == (os.geteuid() if self._owner < 0 else self._owner)
            and status.st_gid == self._group_in(folder)
        )

    def _find_owners(self) -> None:
        owner, group = self._given.get("owner"), self._given.get("group")
        if owner is not None:
            self._owner = pwd.getpwnam(owner).pw_uid
        if group is not None:
            self._group = grp.getgrnam(group).gr_gid

    def _mode(self, wanted: object) -> Optional[int]:
        return 0o666 & ~self._umask if wanted is None else octal(wanted)

    def _make(self, name: str, content: memoryview, checksum: str, mode: Any) -> bool:
        path = f"{self._top}/{name}"
        wished = self._given.get("mode") if mode is None else mode
        bits = self._mode(wished)
        if bits is None or not is_plain(self._wishes, path) or "@" in name:
            return False
        folder = os.path.dirname(name)
        if os.path.lexists(path) or not self._may_use_folder(folder):
            return False
        temporary = _new_name(path)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        descriptor = os.open(temporary, flags, 0o600)
        try:
            try:
                self._fill(descriptor, content)
                self._own(descriptor, self._group_in(folder), bits)
            finally:
                os.close(descriptor)
            if self._log.tell(self._told(name, checksum, wished)):
                os.rename(temporary, path)
                temporary = ""
        finally:
            if temporary:
                with suppress(OSError):
                    os.unlink(temporary)
        return not temporary

    def _own(self, descriptor: int, group: int, mode: int) -> None:
        if self._owner >= 0 or group != os.fstat(descriptor).st_gid:
            os.fchown(descriptor, self._owner, group)
        os.fchmod(descriptor, mode)

    def _group_in(self, folder: str) -> int:
        return self._folders[folder] if self._group < 0 else self._group

    def _told(self, name: str, checksum: str, mode: Any) -> Head:
        given = {**self._given, "_original_basename": name, "checksum": checksum}
        start, _, _ = given["src"].rpartition(_SOURCE)
        given["src"] = start + _SOURCE + os.path.splitext(name)[1]
        if mode is not None:
            given["mode"] = mode
        return {**given, **{each: REST[each] for each in REST if each not in given}}

    def _may_use_folder(self, folder: str) -> bool:
        """Whether a directory is plainly there, or could be made as the module makes it."""
        if folder in self._folders:
            return True
        path = f"{self._top}/{folder}" if folder else self._top
        if folder and not self._may_use_folder(os.path.dirname(folder)):
            return False
        if not os.path.lexists(path) and not self._make_folder(path):
            return False
        # what leads to the destination itself may be a link
        status = os.lstat(path) if folder else os.stat(path)
        if not stat.S_ISDIR(status.st_mode) or _ACCESS_LIST in os.listxattr(path):
            return False
        is_inherited = status.st_mode & stat.S_ISGID
        self._folders[folder] = status.st_gid if is_inherited else os.getegid()
        return True

    def _make_folder(self, path: str) -> bool:
        wished = self._given.get("directory_mode")
        mode = octal(wished) if wished is not None else None
        if wished is not None and mode is None:
            return False
        os.mkdir(path, 0o777)
        if self._owner >= 0 or self._group >= 0:
            os.chown(path, self._owner, self._group)
        if mode is not None:
            os.chmod(path, mode)
        return True

    @staticmethod
    def _fill(descriptor: int, content: memoryview) -> None:
        while content:
            content = content[os.write(descriptor, content) :]


def _new_name(path: str) -> str:
    folder, name = os.path.split(path)
    return f"{folder}/.{name[:64]}.{os.urandom(6).hex()}"
