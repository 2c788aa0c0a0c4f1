"""Every error a caller of Herder can meet; imports nothing of ours.

An error takes data (host, path, limit, what was seen) and builds its own text.
A host that fails is a result, not one of these: an exception means that the run,
or one session, cannot go on.
"""

from __future__ import annotations

INTERRUPTED = 99
BUG = 250


def exit_code_of(error: BaseException) -> int:
    """Give the exit code of a command that ends with this error.

    *Source*: ansible-core 2.19 cli/__init__.py, `cli_executor`: 99 for Ctrl-C, 250 for a bug.
    """
    if isinstance(error, HerderError):
        return error.exit_code
    return INTERRUPTED if isinstance(error, KeyboardInterrupt) else BUG


class HerderError(Exception):
    """The root of all our errors.

    `reference` names the kind for searching (kebab-case), `message` is one line without a full
    stop, `context` says where, `hint` says what to try next ('' when there is nothing to say).
    """

    reference = "error"
    exit_code = 1

    def __init__(self, message: str, *, context: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.context = context
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.context})" if self.context else self.message


class HostUnreachable(HerderError):
    """No conversation with the host could be started, or it broke off.

    `reason` is one of our sentences; `transcript` is what the way to the host (ssh, a shell
    profile) printed, already decoded, untrusted.
    """

    reference = "host-unreachable"

    def __init__(self, host: str, reason: str, *, transcript: str = "", hint: str = "") -> None:
        super().__init__(reason, context=f"host {host!r}", hint=hint)
        self.host = host
        self.reason = reason
        self.transcript = transcript


class PythonMissing(HerderError):
    """The host has no Python that the agent can run on; `raw` still works there.

    `is_too_old` tells one that starts but is not enough from one that is not there or broken.
    """

    reference = "python-missing"

    def __init__(self, host: str, seen: str, *, is_too_old: bool = False) -> None:
        super().__init__(
            f"no usable Python (3.8 or later) on the host, saw: {seen}",
            context=f"host {host!r}",
            hint="install python3 there with a `raw` task, or set ansible_python_interpreter",
        )
        self.host = host
        self.seen = seen
        self.is_too_old = is_too_old


class BecomeRefused(HerderError):
    """Privilege escalation did not succeed: wrong, missing or unwanted password, or a denial."""

    reference = "become-refused"

    def __init__(self, host: str, method: str, reason: str, *, transcript: str = "") -> None:
        super().__init__(reason, context=f"host {host!r}, become method {method!r}")
        self.host = host
        self.method = method
        self.reason = reason
        self.transcript = transcript


class OperationFailed(HerderError):
    """The agent could not carry out a file or process operation (permission, disk, no file)."""

    reference = "operation-failed"

    def __init__(self, host: str, operation: str, reason: str, *, errno: int = 0) -> None:
        super().__init__(f"{operation} failed: {reason}", context=f"host {host!r}")
        self.host = host
        self.operation = operation
        self.reason = reason
        self.errno = errno


class OperationTimedOut(OperationFailed):
    """A module or command did not end in the time it was given; it has been ended."""

    reference = "operation-timed-out"


class LabError(HerderError):
    """The lab could not do what was asked; the hint names the command that mends it."""

    reference = "lab"


class UsageError(HerderError):
    """The words on the command line do not fit together."""

    reference = "usage"
    exit_code = 5


class DeploymentRefused(HerderError):
    """A deployment may not begin or go on; nothing was switched for it.

    *Shapes*: `findings` are pairs of host and one sentence, shown below the reason.
    """

    reference = "deployment-refused"
    exit_code = 2

    def __init__(
        self, reason: str, findings: tuple[tuple[str, str], ...] = (), *, hint: str = ""
    ) -> None:
        width = max((len(host) for host, _ in findings), default=0)
        lines = [f"  {host:{width}}  {text}" for host, text in findings]
        super().__init__("\n".join([reason, *lines]), hint=hint)
        self.reason = reason
        self.findings = findings
