"""Starts a program as `AnsibleModule.run_command` does, without a Python that only waits for it.

The forked child has nothing to do but to lead the program's session, as the module's Python does,
and to tell how it ended: each page that a child touches is copied, and this one touches few.
*Source*: ansible-core 2.19 module_utils/basic.py (`run_command`, `_check_locale`, `_set_cwd`),
modules/command.py; CPython subprocess.py (`_execute_child`).
"""

from __future__ import annotations

import os
import time

from herder.agent.children import Child, Limits, Outcome, Pipes
from herder.agent.commands import place_to_run
from herder.agent.fork import fork_leader
from herder.agent.loop import Loop
from herder.agent.system_log import tell_system_log
from herder.wire.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    import datetime
    import locale
    import signal
    from typing import Callable, List, Optional
else:
    import _datetime as datetime
    import _locale as locale
    import _signal as signal

_NOT_STARTED = b"not started"
_IDLE_SECONDS = 1.0


class Ended(Record):
    """How a program ended, as the result has it."""

    rc: int
    stdout: str
    stderr: str
    start: str
    end: str
    delta: str


class Program(Record):
    """A program to start; `result` gives what is printed of its end.

    *Shapes*: with `is_expanded` a word may be ~ or have variables; `log` is name, text and facility
    of the line for the system's log.
    """

    words: List[str]
    is_expanded: bool
    directory: str
    chdir: str
    log: Optional[List[str]]
    result: Callable[[Ended], bytes]


class Run:
    """A program that was started; `on_done` hears what the module would have printed.

    It hears None when the program could not be started after all: then the module must run.
    """

    def __init__(self, program: Program, on_done: Callable[[Optional[Outcome]], None]) -> None:
        self._program = program
        self._on_done = on_done
        self._told = -1
        self._start = datetime.datetime.now()

    def begin(self, loop: Loop, limits: Limits) -> Optional[Child]:
        """Start it, or give None: what is not plainly as it should be is for the module.

        *Raises*: OSError when there can be no child.
        """
        try:
            words, path, place = _ready(self._program)
        except (OSError, locale.Error):
            return None
        if not tell_system_log(self._program.log):
            return None
        self._told, tell = os.pipe()
        os.set_blocking(self._told, False)
        self._start = datetime.datetime.now()
        environment = _environment()
        process_id, pipes = fork_leader(
            loop,
            tell,
            lambda: _lead(path, [os.fsencode(word) for word in words], environment, place),
        )
        os.close(tell)
        limits = limits._replace(grace_seconds=_IDLE_SECONDS, are_heirs_heard=True)
        return Child(loop, process_id, Pipes(*pipes), limits, self._ended)

    def _ended(self, outcome: Outcome) -> None:
        end = datetime.datetime.now()
        told = _read(self._told)
        if outcome.problem or not told:
            # as if the module's Python had been ended with it
            self._on_done(Outcome(outcome.status, b"", b"", outcome.problem))
        elif told == _NOT_STARTED:
            self._on_done(None)
        else:
            out, err = _text(outcome.stdout), _text(outcome.stderr)
            times = (str(self._start), str(end), str(end - self._start))
            ended = Ended(int(told), out, err, *times)
            self._on_done(Outcome(1 if ended.rc else 0, self._program.result(ended), b""))


def _ready(program: Program) -> tuple[List[str], str, str]:
    """Give the words, the program's path and the directory to start it in."""
    time.tzset()
    before = locale.setlocale(locale.LC_ALL, None)
    locale.setlocale(locale.LC_ALL, "")
    locale.setlocale(locale.LC_ALL, before)
    place = place_to_run(program.directory) or os.getcwd()
    if not os.access(place, os.F_OK | os.R_OK):
        raise PermissionError(place)
    place = program.chdir or place
    words = [_expanded(word) for word in program.words] if program.is_expanded else program.words
    return words, _find(words[0], place), place


def _environment() -> dict[bytes, bytes]:
    environment = dict(os.environb)
    places = environment.get(b"PYTHONPATH", b"").split(b":")
    own = [p for p in places if p and not p.endswith((b"/ansible_modlib.zip", b"/debug_dir"))]
    if own:
        environment[b"PYTHONPATH"] = b":".join(own)
    return environment


def _expanded(word: str) -> str:
    return os.path.expanduser(os.path.expandvars(word))


def _find(name: str, place: str) -> str:
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    paths = [name] if os.path.dirname(name) else [os.path.join(each, name) for each in folders]
    for path in paths if name else []:
        seen = os.path.join(place, path)
        if os.path.isfile(seen):
            if os.access(seen, os.X_OK) and _is_program(seen):
                return path
            break
    raise FileNotFoundError(name)


def _is_program(path: str) -> bool:
    with open(path, "rb", buffering=0) as file:
        return file.read(4).startswith((b"\x7fELF", b"#!"))


def _lead(path: str, words: List[bytes], environment: dict[bytes, bytes], place: str) -> bytes:
    """In the child: start the program, wait, give its return code as `subprocess` would."""
    defaults = [signal.SIGPIPE, signal.SIGXFSZ]
    try:
        os.chdir(place)
        started = os.posix_spawn(path, words, environment, setsigdef=defaults)
    except OSError:
        return _NOT_STARTED
    _, status = os.waitpid(started, 0)
    rc = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
    return b"%d" % rc


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 100)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def _text(output: bytes) -> str:
    return output.decode(errors="surrogateescape").rstrip("\r\n")
