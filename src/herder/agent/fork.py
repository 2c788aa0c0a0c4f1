"""A forked child that looks like a fresh program: own group, pipes, signals; and how it ends."""

from __future__ import annotations

import atexit
import gc
import os
import sys

from herder.agent.children import Pipes
from herder.agent.loop import Loop
from herder.agent.suppress import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from typing import Callable, Tuple
else:
    import _signal as signal

# files under way and the like; descriptors are given out lowest first
_UNWATCHED_DESCRIPTORS = 256


def fork_child(loop: Loop, program: Callable[[], None]) -> Tuple[int, Pipes]:
    """Run `program` in a forked child; give its process id and our ends of its output."""
    out_read, out_write = os.pipe()
    err_read, err_write = os.pipe()
    # what both share must not be touched by the collector, or the child copies it
    gc.freeze()
    process_id = os.fork()
    if process_id == 0:
        run_as_program(loop, program, out_write, err_write)
    os.close(out_write)
    os.close(err_write)
    return process_id, Pipes(out_read, err_read)


def fork_leader(loop: Loop, tell: int, program: Callable[[], bytes]) -> Tuple[int, Pipes]:
    """Run `program` in a forked child that does little, and write what it gives into `tell`.

    As `fork_child`; the child is for leading a session with another program in it.
    """
    out_read, out_write = os.pipe()
    err_read, err_write = os.pipe()
    gc.freeze()
    process_id = os.fork()
    if process_id == 0:
        try:
            os.setsid()
            loop.leave()
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            os.dup2(out_write, 1)
            os.dup2(err_write, 2)
            os.dup2(tell, 3, inheritable=False)
            os.closerange(4, max(loop.highest_descriptor, err_write) + _UNWATCHED_DESCRIPTORS)
            os.write(3, program())
        finally:
            os._exit(0)
    os.close(out_write)
    os.close(err_write)
    return process_id, Pipes(out_read, err_read)


def run_as_program(loop: Loop, program: Callable[[], None], out: int, err: int) -> None:
    """In the child: become a program of its own, run, never return."""
    status = 70
    try:
        os.setsid()
        loop.leave()
        os.dup2(out, 1)
        os.dup2(err, 2)
        # what the agent has open would keep other children and the connection alive
        os.closerange(3, max(loop.highest_descriptor, out, err) + _UNWATCHED_DESCRIPTORS)
        _reset_process()
        status = _run(program)
    finally:
        os._exit(status)


def _reset_process() -> None:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = [""]
    gc.enable()


def _run(program: Callable[[], None]) -> int:
    try:
        program()
        status = 0
    except SystemExit as end:
        status = _status(end.code)
    except BaseException:  # noqa: BLE001 -- it is what the interpreter does at its end
        sys.excepthook(*sys.exc_info())
        status = 1
    _shut_down()
    return status


def _status(code: object) -> int:
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    sys.stderr.write(f"{code}\n")
    return 1


def _shut_down() -> None:
    threading = sys.modules.get("threading")
    for wait in (getattr(threading, "_shutdown", None), getattr(atexit, "_run_exitfuncs", None)):
        if wait is not None:
            with suppress(Exception):
                wait()
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
