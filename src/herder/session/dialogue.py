"""The talk with sudo, su and their like until the second agent's first stage is ready, without I/O.

States: WAITING (for a prompt or for nothing), ANSWERED (the password was sent once), DONE.
Laws: the password is sent at most once; a second prompt after it means that it was wrong; the
become plugin alone knows its words.
*Source*: ansible-core 2.19 plugins/connection/ssh.py, `_bare_run`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from herder.model.route import BecomeStep

OUTPUT_LIMIT_BYTES = 64 * 1024


class State(Enum):
    """Where the talk stands."""

    WAITING = "waiting"
    ANSWERED = "answered"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class SendPassword:
    """Write the step's password and a newline now."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Give up, with this reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class ExpectSoon:
    """A prompt stands there and nobody can answer it: wait only a moment longer."""


Action = SendPassword | Refuse | ExpectSoon


class BecomeDialogue:
    """Watches what the become program says and decides what to do."""

    def __init__(self, step: BecomeStep) -> None:
        self.state = State.WAITING
        self._step = step
        self._seen = bytearray()
        self._answered_at = 0

    @property
    def transcript(self) -> str:
        """All that was said, for messages."""
        return self._seen.decode(errors="replace")

    @property
    def last_words(self) -> str:
        """What was said since the password was sent, or at all."""
        said = bytes(self._seen[self._answered_at :]).decode(errors="replace").strip()
        return said or self.transcript.strip()

    def hear(self, output: bytes) -> Action | None:
        """Take output of either stream, give what to do about it."""
        if self.state is State.DONE or len(self._seen) > OUTPUT_LIMIT_BYTES:
            return None
        self._seen += output
        refusal = self._refusal()
        if refusal is not None:
            self.state = State.DONE
            return refusal
        if self.state is State.WAITING and self._is_prompted():
            return self._answer()
        return None

    def timed_out(self, seconds: float) -> Refuse:
        """Give the refusal for a talk that came to no end."""
        self.state = State.DONE
        if self._step.password is None and self._is_prompted():
            return Refuse(f"Missing {self._step.method} password")
        return Refuse(
            f"Timeout ({seconds:.0f}s) waiting for privilege escalation prompt: {self.transcript}"
        )

    def succeed(self) -> None:
        """The second agent's first stage is ready: nothing more is a prompt."""
        self.state = State.DONE

    def _is_prompted(self) -> bool:
        return self._step.conversation.is_prompt(bytes(self._seen[self._answered_at :]))

    def _answer(self) -> Action:
        if self._step.password is None:
            return ExpectSoon()
        self._answered_at = len(self._seen)
        self.state = State.ANSWERED
        return SendPassword()

    def _refusal(self) -> Refuse | None:
        conversation, seen = self._step.conversation, bytes(self._seen)
        if conversation.is_success(seen):
            return None
        if conversation.is_incorrect_password(seen):
            return Refuse(f"Incorrect {self._step.method} password")
        if conversation.is_missing_password(seen):
            return Refuse(f"Missing {self._step.method} password")
        if self.state is State.ANSWERED and self._is_prompted():
            return Refuse(f"Incorrect {self._step.method} password")
        return None
