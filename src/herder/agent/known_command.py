"""The module `command`: what it would say of a program, and of one that need not run.

The agent starts the program itself (`program.py`), or none where `creates` or `removes` say so, and
says the rest in the module's own words. The module vouches for a shape of call, as in `answers.py`:
run once, with nothing left to explain but the program's output and the times. What it says of a
program that fails is read in its source.
*Source*: ansible-core 2.19 and 2.21 modules/command.py; module_utils/basic.py, `fail_json`.
"""

from __future__ import annotations

import os
import sys

from herder.agent.children import Outcome
from herder.agent.program import Ended, Program
from herder.agent.system_log import log_line, tell_system_log
from herder.agent.vouched import Vouched
from herder.wire.frames import Head
from herder.wire.json_text import from_json, to_json
from herder.wire.late import Late
from herder.wire.messages import RunModule
from herder.wire.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    import shlex
    from typing import Callable, List, Optional, Union
else:
    re, shlex = Late("re"), Late("shlex")

_LINES = ("_raw_params", "cmd", "argv")
# what spares the program, by how the path is then told of
_SPARING = {"creates": "exists", "removes": "does not exist"}
# what tells the shape of such a call from that of one whose program runs
_SPARED = "-"
_VARYING = (*_LINES, "chdir", *_SPARING)
_FLAGS = ("_uses_shell", "expand_argument_vars", "stdin_add_newline")
# what the module makes of arguments that nobody gave, in its order
_REST: Head = {
    "_uses_shell": False,
    **dict.fromkeys(("expand_argument_vars", "stdin_add_newline", "strip_empty_ends"), True),
    **dict.fromkeys((*_LINES, "chdir", "executable", *_SPARING, "stdin"), None),
}
_TIMES = ("start", "end", "delta")
_SEEN = ("stdout", "stderr", "rc", "cmd", *_TIMES)
_WORDS = frozenset((*_SEEN, "changed", "msg", "invocation"))
_TEXT = frozenset(map(chr, (9, 10, *range(32, 127)))) - frozenset("@")
# what stands for something else in a path
_MEANING = frozenset("$*?[")
_TEXT_LENGTH = 8 * 1024
_FAILURE = (
    r"if r\['rc'\] != 0:\n +r\['msg'\] = '([^'\\]+)'\n +module\.fail_json\(\*\*r\)\n+"
    r" +module\.exit_json\(\*\*r\)\n"
)


class _Asked(Record):
    """A call that is plain; `told` are its arguments, `said` is what the result calls `cmd`."""

    shape: str
    told: Head
    said: Union[str, List[str]]
    words: List[str]
    is_expanded: bool
    chdir: str


class KnownCommand:
    """Programs that are started without the module."""

    def __init__(self, vouched: Vouched) -> None:
        self._vouched = vouched

    def prepare(self, call: RunModule, params: bytes) -> Union[Program, bytes, None]:
        """Give the program to start, or what the module would print where none need run.

        None: the module must run.
        """
        asked = _asked(call, params)
        if asked is None:
            return None
        reason = _reason(asked)
        words = self._vouched.find(asked.shape + _SPARED if reason else asked.shape)
        if words is None:
            return None
        told = _module_args(words, asked)
        log = log_line(from_json(params)["ANSIBLE_MODULE_ARGS"], told)
        if reason:
            is_told = tell_system_log(log)
            return _printed(words, told, asked, _spared(asked, reason)) if is_told else None
        return Program(
            words=asked.words,
            is_expanded=asked.is_expanded,
            directory=call.directory,
            chdir=asked.chdir,
            log=log,
            result=lambda ended: _printed(words, told, asked, ended._asdict()),
        )

    def learn(
        self, call: RunModule, params: bytes, outcome: Outcome, source: Callable[[], str]
    ) -> bool:
        """Take what the module has printed, when the same would have come out here.

        Says whether the module vouched, now or before.
        """
        asked = _asked(call, params)
        if asked is None or outcome.status or outcome.stderr or outcome.problem:
            return False
        try:
            said: Head = from_json(outcome.stdout)
        except ValueError:
            return False
        if said.get("start") is None:
            return self._learn_spared(asked, said, outcome.stdout)
        is_known = self._vouched.find(asked.shape) is not None
        return is_known or self._learn_run(asked, said, outcome.stdout, source)

    def _learn_spared(self, asked: _Asked, said: Head, printed: bytes) -> bool:
        if {*said, "invocation"} != _WORDS:
            return False
        words = {"said": _without_values({**said, "msg": ""}, asked)}
        told = _module_args(words, asked)
        return any(
            _printed(words, told, asked, _spared(asked, reason)) == printed
            and self._vouched.add(asked.shape + _SPARED, words)
            for reason in filter(asked.told.get, _SPARING)
        )

    def _learn_run(
        self, asked: _Asked, said: Head, printed: bytes, source: Callable[[], str]
    ) -> bool:
        failure = re.findall(_FAILURE, source())
        if not (set(said) <= _WORDS and {*_SEEN, "changed", "msg"} <= set(said)):
            return False
        if len(failure) != 1:
            return False
        words = {"said": _without_values(said, asked), "failure": failure[0]}
        seen = {name: said[name] for name in Ended._fields}
        is_same = _printed(words, _module_args(words, asked), asked, seen) == printed
        return is_same and self._vouched.add(asked.shape, words)


def _asked(call: RunModule, params: bytes) -> Optional[_Asked]:
    if not call.is_core or sys.platform != "linux":
        return None
    wishes: Head = from_json(params)["ANSIBLE_MODULE_ARGS"]
    given = {name: wishes[name] for name in wishes if not name.startswith("_ansible_")}
    lines = [given[name] for name in _LINES if given.get(name) is not None]
    if not (_is_plain_call(call) and _is_plain(wishes, given) and len(lines) == 1):
        return None
    said, words = _split(lines[0], wishes)
    if not words or not all(_TEXT.issuperset(word) for word in words):
        return None
    alike = {
        name: [type(value).__name__, bool(value)] if name in _VARYING else value
        for name, value in wishes.items()
    }
    shape = to_json([call.fqn, call.bundle, call.profile, alike])
    is_expanded = not given.get("_uses_shell") and given.get("expand_argument_vars", True)
    return _Asked(shape, given, said, words, is_expanded, given.get("chdir") or "")


def _reason(asked: _Asked) -> str:
    """Give the argument because of which the program need not run, or ''."""
    for reason in filter(asked.told.get, _SPARING):
        # the module goes there first, and fails where it cannot
        is_there = os.path.lexists(asked.told[reason])
        if is_there == (reason == "creates") and os.access(f"{asked.chdir}/", os.X_OK):
            return reason
    return ""


def _spared(asked: _Asked, reason: str) -> Head:
    """Give what the result has of a program that need not run."""
    path, why = asked.told[reason], _SPARING[reason]
    return {
        "rc": 0,
        "stdout": f"skipped, since {path} {why}",
        "stderr": "",
        **dict.fromkeys(_TIMES),
        "msg": f"Did not run command since '{path}' {why}",
    }


def _is_plain_call(call: RunModule) -> bool:
    return (
        not call.async_seconds
        and not call.rlimit_nofile
        and call.extensions == "{}"
        and not call.environment
    )


def _is_plain(wishes: Head, given: Head) -> bool:
    """Whether nothing in it is censored, skipped or told to the log in another way."""
    places = [given[name] for name in ("chdir", *_SPARING) if given.get(name) is not None]
    return (
        all(name in _REST for name in given)
        and given.get("stdin") is None
        and given.get("strip_empty_ends", True) is True
        and all(isinstance(given.get(name, True), bool) for name in _FLAGS)
        and (given.get("executable") is None or bool(given.get("_uses_shell")))
        and all(_is_text(value) for value in given.values())
        and all(_is_fixed_place(place) for place in places)
        and not any(
            wishes.get(f"_ansible_{name}")
            for name in ("check_mode", "debug", "target_log_info", "tracebacks_for")
        )
    )


def _is_fixed_place(path: object) -> bool:
    return isinstance(path, str) and path.startswith("/") and not _MEANING.intersection(path)


def _is_text(value: object) -> bool:
    if isinstance(value, list):
        return all(isinstance(each, str) and _is_text(each) for each in value)
    if isinstance(value, str):
        return len(value) <= _TEXT_LENGTH and _TEXT.issuperset(value)
    return value is None or isinstance(value, bool)


def _split(line: Union[str, List[str]], wishes: Head) -> tuple[Union[str, List[str]], List[str]]:
    """Give what the result calls `cmd` and what is started, as the module and `run_command` do."""
    if wishes.get("_uses_shell"):
        if not isinstance(line, str):
            return line, []
        shell = wishes.get("executable") or wishes.get("_ansible_shell_executable") or "/bin/sh"
        return line, [shell, "-c", line]
    words = _words(line) if isinstance(line, str) else line
    return words, words


def _words(line: str) -> List[str]:
    if not any(mark in line for mark in "\"'\\"):
        return line.split()
    try:
        return shlex.split(line)
    except ValueError:
        return []


def _without_values(said: Head, asked: _Asked) -> Head:
    """Give the module's words without what was given or seen: they are kept for other calls."""
    bare: Head = {**said, **dict.fromkeys(_SEEN)}
    if "invocation" in said:
        bare["invocation"] = {
            "module_args": {
                name: None if name in asked.told and type(value) is not bool else value
                for name, value in said["invocation"]["module_args"].items()
            }
        }
    return bare


def _module_args(words: Head, asked: _Asked) -> Head:
    """Give all arguments as the module has them; ansible-core 2.21 only says so when asked."""
    rest = {name: value for name, value in _REST.items() if name not in asked.told}
    invocation: Head = words["said"].get("invocation") or {"module_args": {**asked.told, **rest}}
    return {**invocation["module_args"], **asked.told}


def _printed(words: Head, told: Head, asked: _Asked, seen: Head) -> bytes:
    """Put what was seen (the fields of `Ended`, perhaps `msg`) into the module's words."""
    said: Head = {**words["said"], **seen, "cmd": asked.said}
    said = {name: said[name] for name in words["said"]}
    invocation = said.pop("invocation", None)
    if seen["rc"]:
        del said["msg"]
        said.update(failed=True, msg=words["failure"])
    if invocation is not None:
        said["invocation"] = {"module_args": told}
    return b"\n%s\n" % to_json(said).encode()
