"""Starts commands: a shell line with its output caught."""

from __future__ import annotations

import os

from herder.agent.children import Child, Limits, Outcome, Pipes
from herder.agent.loop import Loop
from herder.wire.late import Late
from herder.wire.messages import RunCommand

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess
    from typing import IO, Callable, Optional
else:
    subprocess = Late("subprocess")


def start_command(
    loop: Loop, call: RunCommand, stdin: bytes, limits: Limits, on_done: Callable[[Outcome], None]
) -> Child:
    """Start a shell line in a process group of its own.

    *Raises*: OSError when the shell or the directory is not there.
    """
    program = subprocess.Popen(
        [call.executable, "-c", call.shell_line],
        stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=place_to_run(call.directory),
        env=dict(os.environ, **call.environment),
        start_new_session=True,
    )
    child = Child(loop, program.pid, _detached_pipes(program), limits, on_done)
    child.feed(stdin)
    # the loop waits for it; Popen must not do so too
    program.returncode = 0
    return child


def place_to_run(directory: str) -> Optional[str]:
    """Give the directory, or None to stay: the login user's may be closed to a become user."""
    if not directory:
        return None
    path = os.path.expanduser(directory)
    try:
        os.stat(path + "/.")
    except PermissionError:
        return None
    return path


def _detached_pipes(program: subprocess.Popen[bytes]) -> Pipes:
    assert program.stdout is not None
    assert program.stderr is not None
    stdin = _detach(program.stdin) if program.stdin is not None else None
    return Pipes(_detach(program.stdout), _detach(program.stderr), stdin)


def _detach(stream: IO[bytes]) -> int:
    descriptor = os.dup(stream.fileno())
    stream.close()
    return descriptor
