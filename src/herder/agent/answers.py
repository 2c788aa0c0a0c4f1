"""What ansible-core's `file` module would say of a file that is as it should be, without a child.

Most files of most runs are: `file` finds nothing to do, and `copy` and `template` let it look at
owner and mode. To fork a child for that costs thirty times what looking costs.

Law: the module vouches. Each shape of a call (all its arguments but paths and modes) goes to the
module first. Only when its very output comes out here too, byte for byte, are the next calls of
that shape answered here, in its own words with the numbers of their file. Whatever is not plainly
as it should be goes to the module.

*Source*: ansible-core 2.19 and 2.21 modules/file.py (`ensure_file_attributes`, `ensure_directory`)
and module_utils/basic.py (`add_path_info`, `_log_invocation`).
"""

from __future__ import annotations

import grp
import json
import os
import pwd
import re
import stat
import sys
from typing import Callable, Dict, NamedTuple, Optional

from herder.agent.children import Outcome
from herder.agent.system_log import tell_system_log
from herder.wire.frames import Head
from herder.wire.messages import RunModule

_MODULE = "ansible.modules.file"
_BASIC = "ansible.module_utils.basic"
_PLACES = ("path", "dest", "name")
_VARYING = (*_PLACES, "mode", "_original_basename")
_FIXED = ("state", "owner", "group", "follow", "recurse", "force")
_WORDS = {
    *("path", "changed", "diff", "uid", "gid", "owner", "group", "mode", "state", "size"),
    "invocation",
}
_OCTAL = re.compile(r"[0-7]{1,5}")
_PLAIN = re.compile(r"/[ !#%&'()*+,./0-9:;<=>?A-Z\[\]^_`a-z{|}~-]*")


class _Question(NamedTuple):
    """A call that may be answered here. `shape` is all that the module's words depend on."""

    shape: str
    path: str
    arguments: Head


class Answers:
    """The shapes that the module has vouched for in this conversation."""

    def __init__(self) -> None:
        self._vouched: Dict[str, Head] = {}

    def give(self, call: RunModule, params: bytes) -> Optional[bytes]:
        """Give what the module would print, or None: then it must run."""
        if not _is_for_file(call):
            return None
        question = _question(call, params)
        words = self._vouched.get(question.shape) if question is not None else None
        if question is None or words is None:
            return None
        answer = _answer(words, question)
        if answer is None or not _log(answer, question.arguments):
            return None
        return _printed(answer)

    def learn(self, call: RunModule, params: bytes, outcome: Outcome) -> None:
        """Take what the module has printed, when the same would have come out here."""
        if not _is_for_file(call) or outcome.status or outcome.stderr or outcome.problem:
            return
        question = _question(call, params)
        if question is None or question.shape in self._vouched:
            return
        try:
            words = json.loads(outcome.stdout)
        except ValueError:
            return
        if set(words) <= _WORDS and words.get("changed") is False:
            answer = _answer(words, question)
            if answer is not None and _printed(answer) == outcome.stdout:
                self._vouched[question.shape] = words


def _is_for_file(call: RunModule) -> bool:
    is_plain = not (call.environment or call.async_seconds) and call.extensions == "{}"
    return call.is_core and call.fqn == _MODULE and is_plain and sys.platform == "linux"


def _question(call: RunModule, params: bytes) -> Optional[_Question]:
    arguments = json.loads(params)["ANSIBLE_MODULE_ARGS"]
    own = [name for name in arguments if not name.startswith("_ansible_")]
    places = [arguments[name] for name in _PLACES if name in arguments]
    is_known = all(name in _VARYING or name in _FIXED for name in own)
    if not is_known or len(places) != 1 or not _is_plain(arguments, places[0]):
        return None
    shape = {
        name: type(value).__name__ if name in _VARYING else value
        for name, value in arguments.items()
    }
    return _Question(json.dumps([call.bundle, call.profile, shape]), places[0], arguments)


def _is_plain(arguments: Head, path: object) -> bool:
    """Whether nothing in it is expanded, censored or told to the log in another way."""
    texts = (path, arguments.get("_original_basename") or "/")
    return (
        all(isinstance(text, str) and _PLAIN.fullmatch(f"/{text}") for text in texts)
        and str(path).startswith("/")
        and arguments.get("state") in ("file", "directory")
        and not arguments.get("recurse")
        and not arguments.get("_ansible_debug")
        and not arguments.get("_ansible_target_log_info")
        # it would write to the journal itself
        and not getattr(sys.modules.get(_BASIC), "has_journal", True)
    )


def _answer(words: Head, question: _Question) -> Optional[Head]:
    """Put this file's numbers into the module's words; None when there is something to do."""
    path, arguments = question.path, question.arguments
    try:
        status = os.lstat(path)
        owner = pwd.getpwuid(status.st_uid)[0]
        group = grp.getgrgid(status.st_gid)[0]
    except (OSError, KeyError):
        return None
    is_right = (
        _state(status) == arguments["state"]
        and _has_mode(status, arguments.get("mode"))
        and _is_owned(arguments.get("owner"), status.st_uid, lambda name: pwd.getpwnam(name)[2])
        and _is_owned(arguments.get("group"), status.st_gid, lambda name: grp.getgrnam(name)[2])
        # inside a directory it would be about the file of that name
        and not (stat.S_ISDIR(status.st_mode) and arguments.get("_original_basename"))
    )
    if not is_right:
        return None
    told = {name: arguments[name] for name in _VARYING if name in arguments}
    numbers: Head = {
        "path": path,
        "diff": {"before": {"path": path}, "after": {"path": path}},
        "uid": status.st_uid,
        "gid": status.st_gid,
        "owner": owner,
        "group": group,
        "mode": f"0{stat.S_IMODE(status.st_mode):03o}",
        "state": arguments["state"],
        "size": status.st_size,
        "invocation": {"module_args": {**words["invocation"]["module_args"], **told, "path": path}},
    }
    return {name: numbers.get(name, value) for name, value in words.items()}


def _state(status: os.stat_result) -> str:
    if stat.S_ISDIR(status.st_mode):
        return "directory"
    return "file" if stat.S_ISREG(status.st_mode) and status.st_nlink == 1 else ""


def _has_mode(status: os.stat_result, wanted: object) -> bool:
    if wanted is None:
        return True
    if isinstance(wanted, str) and _OCTAL.fullmatch(wanted):
        wanted = int(wanted, 8)
    return type(wanted) is int and wanted == stat.S_IMODE(status.st_mode)


def _is_owned(wanted: object, number: int, find: Callable[[str], int]) -> bool:
    if wanted is None:
        return True
    try:
        return isinstance(wanted, str) and not wanted.isdigit() and find(wanted) == number
    except KeyError:
        return False


def _log(answer: Head, arguments: Head) -> bool:
    """Tell the system's log of it, as the module does; False when that could not be done."""
    if arguments.get("_ansible_no_log"):
        return True
    told = answer["invocation"]["module_args"].items()
    text = f"Invoked with {' '.join(f'{name}={value}' for name, value in told)}"
    facility = str(arguments.get("_ansible_syslog_facility"))
    return tell_system_log(f"ansible-{arguments.get('_ansible_module_name')}", text, facility)


def _printed(answer: Head) -> bytes:
    return b"\n%s\n" % json.dumps(answer).encode()
