"""What a module would say of a file that is as it should be, without a child.

Most files of most runs are: `file` finds nothing to do, `copy` and `template` let it look at owner
and mode, the line of `lineinfile` is there. To fork a child for that costs far more than to look.

Law: the module vouches. Each shape of a call (all its arguments but a few, as paths and modes) goes
to the module first. Only when its very output comes out here too, byte for byte, are the next calls
of that shape answered here, in its own words with the numbers of their file. Whatever is not
plainly as it should be goes to the module.
"""

from __future__ import annotations

import sys

from herder.agent.children import Outcome
from herder.agent.known import PLACES, Known
from herder.agent.known_file import FILE
from herder.agent.known_line import LINE
from herder.agent.system_log import log_line, tell_system_log
from herder.agent.vouched import Vouched
from herder.wire.frames import Head
from herder.wire.json_text import from_json, to_json
from herder.wire.messages import RunModule
from herder.wire.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional

_KNOWN = {"ansible.modules.file": FILE, "ansible.modules.lineinfile": LINE}
_ALWAYS = {"changed": False, "msg": "", "backup": ""}
# all of ASCII that is printed, without what is expanded, quoted or censored: " $ @ \
_PLAIN = frozenset(map(chr, range(32, 127))) - frozenset('"$@\\')


class _Question(Record):
    """A call that may be answered here.

    *Shapes*: `shape` is all that the module's words depend on; `path` is the file that is meant by
    `asked`; `given` are the wishes without what ansible-core adds to them for its own ends.
    """

    known: Known
    shape: str
    path: str
    asked: str
    wishes: Head
    given: Head


class Answers:
    """Says what a module would say, where it has vouched for that shape of call."""

    def __init__(self, vouched: Vouched) -> None:
        self._vouched = vouched

    def give(self, call: RunModule, params: bytes) -> Optional[bytes]:
        """Give what the module would print, or None: then it must run."""
        if call.fqn not in _KNOWN:
            return None
        answer = self._said(_question(call, wishes_of(from_json(params))))
        return _printed(answer) if answer is not None else None

    def told(self, call: RunModule, wishes: Head) -> Optional[Head]:
        """Give what the system's log hears of a call of a vouched shape; None of another."""
        question = _question(call, wishes)
        words = self._vouched.find(question.shape) if question is not None else None
        if question is None or words is None:
            return None
        return {**_module_args(words, question), "path": question.asked}

    def _said(self, question: Optional[_Question]) -> Optional[Head]:
        words = self._vouched.find(question.shape) if question is not None else None
        if question is None or words is None:
            return None
        told = _module_args(words, question)
        answer = _answer(words, question, told)
        if answer is None:
            return None
        # the log hears what was asked, before the module looks which file is meant
        line = log_line(question.wishes, {**told, "path": question.asked})
        return answer if tell_system_log(line) else None

    def learn(self, call: RunModule, params: bytes, outcome: Outcome) -> bool:
        """Take what the module has printed, when the same would have come out here.

        Says whether the module vouched, now or before.
        """
        if call.fqn not in _KNOWN:
            return False
        question = _question(call, wishes_of(from_json(params)))
        if question is None:
            return False
        if self._vouched.find(question.shape) is not None:
            return True
        words = _words(outcome)
        if not (set(words) <= question.known.words and words.get("changed") is False):
            return False
        words = _without_values(words, question)
        answer = _answer(words, question, _module_args(words, question))
        is_same = answer is not None and _printed(answer) == outcome.stdout
        return is_same and self._vouched.add(question.shape, words)


def wishes_of(params: Head) -> Head:
    """Give a module's arguments from what is sent to it."""
    wishes: Head = params["ANSIBLE_MODULE_ARGS"]
    return wishes


def _question(call: RunModule, wishes: Head) -> Optional[_Question]:
    known = _KNOWN.get(call.fqn) if call.is_core and sys.platform == "linux" else None
    if known is None or call.environment or call.async_seconds or call.extensions != "{}":
        return None
    given = {name: wishes[name] for name in wishes if not name.startswith("_ansible_")}
    places = [given[name] for name in PLACES if name in given]
    is_known = all(name in known.varying or name in known.fixed for name in given)
    if not (is_known and len(places) == 1 and is_plain(wishes, places[0])):
        return None
    path = known.place(places[0], wishes)
    if not (known.is_plain(wishes) and _is_plain_path(path)):
        return None
    alike = {
        name: type(value).__name__ if name in known.varying else value
        for name, value in wishes.items()
    }
    shape = to_json([call.bundle, call.profile, alike])
    return _Question(known, shape, path, places[0], wishes, given)


def is_plain(wishes: Head, path: object) -> bool:
    """Whether nothing in it is expanded, censored or told to the log in another way."""
    return (
        isinstance(path, str)
        and _is_plain_path(path)
        # the log gets what is before an @ without what may be a password
        and not any("@" in value for value in wishes.values() if isinstance(value, str))
        and not wishes.get("_ansible_debug")
        and not wishes.get("_ansible_target_log_info")
    )


def _is_plain_path(path: str) -> bool:
    return path.startswith("/") and is_plain_text(path)


def is_plain_text(text: str) -> bool:
    """Whether it is printed as it is, with nothing in it that is expanded, quoted or censored."""
    return _PLAIN.issuperset(text)


def _words(outcome: Outcome) -> Head:
    """Give the result that a child printed; {} when it did not end well."""
    if outcome.status or outcome.stderr or outcome.problem:
        return {}
    try:
        words: Head = from_json(outcome.stdout)
    except ValueError:
        return {}
    return words


def _without_values(words: Head, question: _Question) -> Head:
    """Give the words without what was given or seen: they are kept for other calls and runs."""
    bare: Head = {name: _ALWAYS.get(name) for name in words}
    if "invocation" in words:
        told = words["invocation"]["module_args"]
        bare["invocation"] = {
            "module_args": {
                name: None if name in question.given and type(value) is not bool else value
                for name, value in {**told, "path": None}.items()
            }
        }
    return bare


def _answer(words: Head, question: _Question, told: Head) -> Optional[Head]:
    """Put this file's numbers into the module's words; None when there may be something to do."""
    try:
        numbers = question.known.numbers(question.path, question.wishes)
    except (OSError, KeyError):
        return None
    if numbers is None:
        return None
    numbers["invocation"] = {"module_args": told}
    return {name: numbers.get(name, value) for name, value in words.items()}


def _module_args(words: Head, question: _Question) -> Head:
    """Give all arguments as the module has them; ansible-core 2.21 only says so when asked."""
    known, given = question.known, question.given
    if "invocation" in words:
        told = words["invocation"]["module_args"]
        varied = {
            name: value
            for name, value in given.items()
            if name in known.varying or told.get(name, value) is None
        }
        return {**told, **varied, "path": question.path}
    rest = {name: value for name, value in known.rest.items() if name not in given}
    return {**given, "path": question.path, **rest}


def _printed(answer: Head) -> bytes:
    return b"\n%s\n" % to_json(answer).encode()
