"""One line for the system's log, without waiting: a log that is stuck must not stop the agent."""

from __future__ import annotations

import errno
import socket
import time

_SOCKET = "/dev/log"
_NOBODY_THERE = (errno.ENOENT, errno.ECONNREFUSED)


def tell_system_log(name: str, text: str, facility: str, *, patience_seconds: float = 0.0) -> bool:
    """Log a line at level info; tell whether it is done. Without a log, there is nothing to do.

    *Source*: syslog(3); RFC 3164, section 4.1.
    """
    try:
        import syslog
    except ImportError:
        return False
    priority = getattr(syslog, facility, syslog.LOG_USER) | syslog.LOG_INFO
    line = f"<{priority}>{time.strftime('%b %e %H:%M:%S')} {name}: {text}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.settimeout(patience_seconds)
        try:
            log.sendto(line.encode(), _SOCKET)
        except OSError as error:
            return error.errno in _NOBODY_THERE
    return True
