"""One line for the system's log, without waiting: a log that is stuck must not stop the agent."""

from __future__ import annotations

import errno
import time

from herder.wire.late import Late

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    import syslog
else:
    import _socket as socket

    syslog = Late("syslog")

_SOCKET = "/dev/log"
_NOBODY_THERE = (errno.ENOENT, errno.ECONNREFUSED)


def tell_system_log(name: str, text: str, facility: str, *, patience_seconds: float = 0.0) -> bool:
    """Log a line at level info; tell whether it is done. Without a log, there is nothing to do.

    *Source*: syslog(3); RFC 3164, section 4.1.
    """
    try:
        priority = getattr(syslog, facility, syslog.LOG_USER) | syslog.LOG_INFO
    except ImportError:
        return False
    line = f"<{priority}>{time.strftime('%b %e %H:%M:%S')} {name}: {text}"
    log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        log.settimeout(patience_seconds)
        log.sendto(line.encode(), _SOCKET)
    except OSError as error:
        return error.errno in _NOBODY_THERE
    finally:
        log.close()
    return True
