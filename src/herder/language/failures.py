"""What a session raises, in ansible-core's errors and with the words that it has for them."""

from __future__ import annotations

import errno
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError, AnsibleFileNotFound

from herder.errors import (
    BecomeRefused,
    HerderError,
    HostUnreachable,
    OperationFailed,
    PythonMissing,
)
from herder.language.stock import objection

LATE_BECOME = "Timed out waiting for become success or become password prompt"


class AgentImpossible(AnsibleError):
    """The host has no Python that the agent can run on: too old a one, or none at all."""

    is_too_old = False


def translated(error: HerderError, connection: Any) -> Exception:
    """Give ansible-core's error for ours: unreachable or failed, with the words it would use."""
    if isinstance(error, HostUnreachable):
        return objection(connection, error) or AnsibleConnectionFailure(error.reason)
    if isinstance(error, BecomeRefused):
        if not error.reason.startswith("Timeout"):
            return AnsibleError(error.reason)
        is_local = connection.transport == "local"
        return AnsibleConnectionFailure(LATE_BECOME if is_local else error.reason)
    if isinstance(error, PythonMissing):
        impossible = AgentImpossible(error.message, help_text=error.hint)
        impossible.is_too_old = error.is_too_old
        return impossible
    if isinstance(error, OperationFailed):
        return AnsibleError(error.message)
    return AnsibleError(str(error))


def not_there(path: str) -> AnsibleFileNotFound:
    """*Source*: ansible-core 2.19 plugins/connection/local.py and ssh.py, `put_file`."""
    return AnsibleFileNotFound(f"file or module does not exist: {path}")


def unread(path: str, error: OperationFailed, connection: Any) -> Exception:
    """Give the error for a file that could not be fetched.

    *Source*: ansible-core 2.19 plugins/connection/local.py, `fetch_file`, which alone puts the file
    and so looks for it first.
    """
    is_missing = connection.transport == "local" and error.errno == errno.ENOENT
    return not_there(path) if is_missing else translated(error, connection)
