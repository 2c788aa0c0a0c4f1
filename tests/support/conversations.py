"""Become steps around the bootstrap line, as the become plugins make them."""

from __future__ import annotations

from dataclasses import dataclass

from herder.model.route import BecomeStep
from herder.model.secret import Secret
from herder.wire.bootstrap import bootstrap_line

MARKER = "BECOME-SUCCESS-test"


@dataclass(frozen=True)
class PlainConversation:
    """The words sudo and su use in English."""

    prompt: bytes

    def is_prompt(self, output: bytes) -> bool:
        return self.prompt in output

    def is_success(self, output: bytes) -> bool:
        return MARKER.encode() in output

    def is_incorrect_password(self, output: bytes) -> bool:
        return b"Sorry, try again" in output or b"Authentication failure" in output

    def is_missing_password(self, output: bytes) -> bool:
        return b"sudo: a password is required" in output


def _around_line(python: str) -> str:
    line = f"echo {MARKER} ; {bootstrap_line((python,))}"
    return f"/bin/sh -c {_quoted(line)}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\"'\"'") + "'"


def sudo_step(user: str, password: str | None, *, python: str = "python3") -> BecomeStep:
    """Give the step that becomes a user by sudo."""
    flags = '-H -S -p "[our prompt] password:"' if password else "-H -S -n"
    return BecomeStep(
        identity=("sudo", user),
        method="sudo",
        user=user,
        command=f"sudo {flags} -u {user} {_around_line(python)}",
        conversation=PlainConversation(b"[our prompt] password:"),
        password=Secret(password) if password else None,
    )


def su_step(user: str, password: str | None, *, needs_tty: bool = True) -> BecomeStep:
    """Give the step that becomes a user by su."""
    return BecomeStep(
        identity=("su", user),
        method="su",
        user=user,
        command=f"su {user} -c {_quoted(_around_line('python3'))}",
        conversation=PlainConversation(b"Password:"),
        password=Secret(password) if password else None,
        needs_tty=needs_tty,
    )
