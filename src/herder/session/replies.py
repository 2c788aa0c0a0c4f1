"""What an agent's answers mean: frames to the results and errors of model/ports.py.

A target is not trusted: every value is checked before it becomes one of ours.
"""

from __future__ import annotations

from herder.errors import OperationFailed, OperationTimedOut
from herder.model.ports import AgentFacts, Completed, FileStatus
from herder.wire.frames import Frame, Head, WireError
from herder.wire.handshake import Greeting


def completed(frame: Frame, stdout: bytes, stderr: bytes) -> Completed:
    """Give how a program ended; its output is in the frame, or came before it.

    *Raises*: WireError when the head does not fit the body.
    """
    status, size = whole(frame.head, "status"), whole(frame.head, "stdout")
    if not 0 <= size <= len(frame.body):
        raise WireError(f"standard output of {size} bytes in a body of {len(frame.body)} bytes")
    return Completed(status, stdout + frame.body[:size], stderr + frame.body[size:])


def file_status(head: Head) -> FileStatus:
    """Give what is at a path."""
    if not head.get("exists"):
        return FileStatus(exists=False)
    return FileStatus(
        exists=True,
        is_directory=bool(head.get("is_directory")),
        is_link=bool(head.get("is_link")),
        is_regular=bool(head.get("is_regular")),
        mode=whole(head, "mode"),
        uid=whole(head, "uid"),
        gid=whole(head, "gid"),
        size=whole(head, "size"),
        modified=_number(head, "modified"),
        checksum=str(head.get("checksum", "")),
        link_target=str(head.get("link_target", "")),
        link_source=str(head.get("link_source", "")),
    )


def well(head: Head, count: int) -> tuple[bool, ...]:
    """Give which of so many files are as they should be."""
    value = head.get("well")
    if not isinstance(value, str) or len(value) != count:
        raise WireError(f"answer about {count} files says {str(value)[:40]!r}")
    return tuple(each == "1" for each in value)


def path(head: Head) -> str:
    """Give the path an operation answered with."""
    value = head.get("path")
    if not isinstance(value, str):
        raise WireError(f"answer without a path, it has {sorted(head)}")
    return value


def failure(host: str, head: Head) -> OperationFailed:
    """Give the error a FAILURE frame tells of."""
    operation = str(head.get("operation", "operation"))
    reason = str(head.get("reason", "no reason given"))
    kind = OperationTimedOut if head.get("kind") == "timeout" else OperationFailed
    errno = head.get("errno", 0)
    return kind(host, operation, reason, errno=errno if isinstance(errno, int) else 0)


def facts(greeting: Greeting) -> AgentFacts:
    """Give what an agent said of itself."""
    return AgentFacts(
        python=greeting.python,
        python_version=greeting.python_version,
        user=greeting.user,
        uid=greeting.uid,
        home=greeting.home,
        system=greeting.system,
        process_id=greeting.process_id,
    )


def _number(head: Head, key: str) -> float:
    value = head.get(key, 0.0)
    if not isinstance(value, (int, float)):
        raise WireError(f"{key!r} of an answer is {value!r}, expected a number")
    return float(value)


def whole(head: Head, key: str) -> int:
    """Give a whole number of an answer.

    *Raises*: WireError when it is something else.
    """
    value = head.get(key)
    if not isinstance(value, int):
        raise WireError(f"{key!r} of an answer is {value!r}, expected a whole number")
    return value
