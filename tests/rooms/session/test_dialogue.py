"""session/dialogue.py: the talk with sudo and su, word by word."""

from __future__ import annotations

from herder.model.route import BecomeStep
from herder.session.dialogue import BecomeDialogue, ExpectSoon, Refuse, SendPassword, State
from tests.support.conversations import MARKER, sudo_step

PROMPT = b"[our prompt] password:"


def step(password: str | None = "word") -> BecomeStep:
    """Give a sudo step."""
    return sudo_step("root", password)


def test_password_is_sent_once_when_the_prompt_is_whole() -> None:
    """Output comes in any pieces; a second password would be typed into the agent."""
    dialogue = BecomeDialogue(step())

    actions = [dialogue.hear(piece) for piece in (PROMPT[:5], PROMPT[5:], b"\n")]

    assert actions == [None, SendPassword(), None]
    assert dialogue.state is State.ANSWERED


def test_second_prompt_means_that_the_password_was_wrong() -> None:
    """Some programs only ask again."""
    dialogue = BecomeDialogue(step())
    dialogue.hear(PROMPT)

    assert dialogue.hear(b"\n" + PROMPT) == Refuse("Incorrect sudo password")


def test_refusal_is_told_in_ansibles_words() -> None:
    """Users search for these sentences."""
    wrong = BecomeDialogue(step()).hear(b"Sorry, try again.\n")
    missing = BecomeDialogue(step(None)).hear(b"sudo: a password is required\n")

    assert wrong == Refuse("Incorrect sudo password")
    assert missing == Refuse("Missing sudo password")


def test_prompt_that_nobody_can_answer_is_not_waited_for_long() -> None:
    """Without a password, waiting the whole time only wastes it."""
    dialogue = BecomeDialogue(step(None))

    assert dialogue.hear(PROMPT) == ExpectSoon()
    assert dialogue.timed_out(12) == Refuse("Missing sudo password")


def test_silence_ends_as_in_ansible() -> None:
    """What was seen so far helps to find out why."""
    dialogue = BecomeDialogue(step())
    dialogue.hear(b"Touch the token\n")

    refusal = dialogue.timed_out(12)

    assert refusal.reason == (
        "Timeout (12s) waiting for privilege escalation prompt: Touch the token\n"
    )


def test_words_after_success_are_nobodys_prompt() -> None:
    """From here on the bytes belong to the second agent."""
    dialogue = BecomeDialogue(step())
    dialogue.hear(MARKER.encode() + b"\n")
    dialogue.succeed()

    assert dialogue.hear(PROMPT) is None
