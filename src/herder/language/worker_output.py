"""What plugins write and start past ansible-core's display, as in a process of their own.

A forked worker has no terminal, nothing on its standard streams, and tells what its Python code
printed as a warning. Worker threads share this process, so here the streams look at the thread:
what a worker prints is kept for its warning, and what it starts gets no terminal either.

*Source*: ansible-core 2.19 executor/process/worker.py, `_detach` and `_run`.
"""

from __future__ import annotations

import contextlib
import functools
import io
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from typing import Any, TextIO

from herder.language.deadlines import end_in_time

LIMIT_CHARACTERS = 256
STREAMS = ("stdout", "stderr")

_local = threading.local()


class WorkerOutput:
    """What one worker printed, by the name of the stream.

    Unless it `is_isolated`, what it starts may open the controller's terminal.
    """

    def __init__(self, *, is_isolated: bool = True) -> None:
        self.is_isolated = is_isolated
        self._texts = {name: io.StringIO() for name in STREAMS}

    def write(self, stream: str, text: str) -> None:
        self._texts[stream].write(text)

    def warnings(self, who: str) -> list[str]:
        """Give what to warn of, in ansible-core's words."""
        found = [(name, text.getvalue()[:LIMIT_CHARACTERS]) for name, text in self._texts.items()]
        return [
            f"WorkerProcess for [{who}] errantly sent data directly to {name} instead of using "
            f"Display:\n{textwrap.indent(text, '    ')}\n"
            for name, text in found
            if text
        ]


@contextlib.contextmanager
def kept_output(*, is_isolated: bool = True) -> Iterator[WorkerOutput]:
    """Keep what this thread prints inside, and start programs as a worker would."""
    _local.output = WorkerOutput(is_isolated=is_isolated)
    try:
        yield _local.output
    finally:
        _local.output = None


@contextlib.contextmanager
def shown_output() -> Iterator[None]:
    """Let what this thread prints inside come through, as an answer to a question does."""
    output, _local.output = _current(), None
    try:
        yield
    finally:
        _local.output = output


def _current() -> WorkerOutput | None:
    return getattr(_local, "output", None)


class SortedStream(io.TextIOBase):
    """Stands in for a standard stream: a worker's words are kept, all others pass."""

    def __init__(self, name: str, real: TextIO) -> None:
        super().__init__()
        self._name = name
        self._real = real

    def write(self, text: str) -> int:
        output = _current()
        if output is None:
            return self._real.write(text)
        output.write(self._name, text)
        return len(text)

    def flush(self) -> None:
        self._real.flush()

    def isatty(self) -> bool:
        return self._real.isatty()

    def fileno(self) -> int:
        return self._real.fileno()

    def writable(self) -> bool:
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]  # typeshed has a plain attribute here
        return self._real.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]  # typeshed has a plain attribute here
        return self._real.errors

    @property
    def buffer(self) -> Any:
        return self._real.buffer


@contextlib.contextmanager
def sorted_streams() -> Iterator[None]:
    """Put the stand-ins in place; the real streams are back afterwards."""
    with (
        contextlib.redirect_stdout(SortedStream("stdout", sys.stdout)),
        contextlib.redirect_stderr(SortedStream("stderr", sys.stderr)),
    ):
        yield


def detach_programs() -> None:
    """A program that a worker starts has no terminal, and nothing where it is given nothing."""
    start = subprocess.Popen.__init__
    if not hasattr(start, "herder_original"):
        subprocess.Popen.__init__ = _detaching(start)  # type: ignore[method-assign] # on purpose


def _detaching(start: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(start)
    def initialise(self: Any, *args: Any, **words: Any) -> None:
        output = _current()
        if output is not None and len(args) == 1:
            for name in ("stdin", *STREAMS):
                if words.get(name) is None:
                    words[name] = subprocess.DEVNULL
            if output.is_isolated:
                words["start_new_session"] = True
            else:
                words.setdefault("process_group", 0)
        start(self, *args, **words)
        end_in_time(self)

    initialise.herder_original = start  # type: ignore[attr-defined] # marks what is exchanged
    return initialise
