"""One line for the system's log, without waiting: a log that is stuck must not stop the agent."""

from __future__ import annotations

import errno
import time

from herder.wire.frames import Head
from herder.wire.late import Late

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    import syslog
    from typing import List, Optional, Sequence
else:
    import _socket as socket

    syslog = Late("syslog")

PATIENCE_SECONDS = 5.0
# what rsyslog takes of one message when nobody told it otherwise (maxMessageSize), less its frame
LINE_BYTES = 8000
_SOCKET = "/dev/log"
_NOBODY_THERE = (errno.ENOENT, errno.ECONNREFUSED)


def tell_system_log(words: Optional[List[str]]) -> bool:
    """Log what `log_line` gives at level info; tell whether that is done, or not wanted.

    Without a log, there is nothing to do. *Source*: syslog(3); RFC 3164, section 4.1.
    """
    if words is None:
        return True
    line = _line(*words)
    if not line:
        return False
    log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        return _is_sent(log, line, 0.0)
    finally:
        log.close()


def log_line(wishes: Head, told: Head) -> Optional[List[str]]:
    """Give name, text and facility of what a module tells the log of its call; None for nothing.

    *Source*: ansible-core 2.19 and 2.21 module_utils/basic.py (`_log_invocation`).
    """
    if wishes.get("_ansible_no_log"):
        return None
    text = f"Invoked with {_words(told)}"
    name = f"ansible-{wishes.get('_ansible_module_name')}"
    return [name, text, str(wishes.get("_ansible_syslog_facility"))]


class SystemLog:
    """The log for many calls of one module in a row, with one socket for all of them.

    *Units*: all of them together wait PATIENCE_SECONDS at most for a log that is busy.
    """

    def __init__(self, wishes: Head) -> None:
        self._wishes = wishes
        self._socket: Optional[socket.socket] = None
        self._ends = time.monotonic() + PATIENCE_SECONDS

    def __enter__(self) -> SystemLog:
        return self

    def __exit__(self, *_: object) -> None:
        if self._socket is not None:
            self._socket.close()

    def tell(self, told: Head) -> bool:
        """Tell of a call with these arguments; False when that could not be done."""
        words = log_line(self._wishes, told)
        return words is None or self._is_told(words)

    def tell_together(self, told: Head, own: Sequence[Head]) -> int:
        """Tell of calls that differ in their `own` arguments only, many in a line of LINE_BYTES.

        Gives of how many the log has heard, in their order.
        """
        heard = 0
        while heard < len(own):
            words = log_line(self._wishes, {**told, **own[heard]})
            if words is None:
                return len(own)
            name, text, facility = words
            count = 1
            for more in own[heard + 1 :]:
                text_with_more = f"{text}, and with {_words(more)}"
                if len(text_with_more) > LINE_BYTES:
                    break
                text = text_with_more
                count += 1
            if not self._is_told([name, text, facility]):
                break
            heard += count
        return heard

    def _is_told(self, words: List[str]) -> bool:
        line = _line(*words)
        patience = max(0.0, self._ends - time.monotonic())
        if self._socket is None:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        return bool(line) and _is_sent(self._socket, line, patience)


def _words(arguments: Head) -> str:
    return " ".join(f"{name}={value}" for name, value in arguments.items())


def _line(name: str, text: str, facility: str) -> bytes:
    try:
        priority = getattr(syslog, facility, syslog.LOG_USER) | syslog.LOG_INFO
    except ImportError:
        return b""
    return f"<{priority}>{time.strftime('%b %e %H:%M:%S')} {name}: {text}".encode()


def _is_sent(log: socket.socket, line: bytes, patience_seconds: float) -> bool:
    log.settimeout(patience_seconds)
    try:
        log.sendto(line, _SOCKET)
    except OSError as error:
        return error.errno in _NOBODY_THERE
    return True
