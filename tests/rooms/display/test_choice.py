"""Which output a run gets."""

from __future__ import annotations

import pytest

from herder.display.choice import OutputKind, OutputWishes, choose_output
from herder.errors import UsageError

TERMINAL = {"TERM": "xterm-256color"}


def test_a_terminal_gets_the_live_view() -> None:
    """The live view is what a person should meet without asking."""
    wishes = OutputWishes(is_terminal=True, verbosity=2, stdout_callback="default")

    assert choose_output(wishes, TERMINAL) is OutputKind.LIVE


@pytest.mark.parametrize(
    ("wishes", "environment"),
    [
        (OutputWishes(is_terminal=False), TERMINAL),
        (OutputWishes(is_terminal=True), {"TERM": "dumb"}),
        (OutputWishes(is_terminal=True), {}),
        (OutputWishes(is_terminal=True), {**TERMINAL, "CI": "true"}),
        (OutputWishes(is_terminal=True), {**TERMINAL, "ANSIBLE_STDOUT_CALLBACK": "minimal"}),
        (OutputWishes(is_terminal=True, stdout_callback="debug"), TERMINAL),
        (OutputWishes(is_terminal=True, verbosity=3), TERMINAL),
    ],
)
def test_what_cannot_or_should_not_be_live_is_plain(
    wishes: OutputWishes, environment: dict[str, str]
) -> None:
    """Scripts, CI and users of other callbacks read what ansible-playbook would print."""
    assert choose_output(wishes, environment) is OutputKind.PLAIN


@pytest.mark.parametrize("word", ["live", "plain", "json"])
def test_the_option_wins_over_everything(word: str) -> None:
    """Who asks for an output gets it, also in CI and without a terminal."""
    environment = {"CI": "1", "HERDER_OUTPUT": "live"}

    assert choose_output(OutputWishes(asked=word), environment) is OutputKind(word)


def test_the_environment_stands_in_for_the_option() -> None:
    """HERDER_OUTPUT sets a habit; the command line may differ from it."""
    assert choose_output(OutputWishes(), {"HERDER_OUTPUT": "json"}) is OutputKind.JSON


def test_an_unknown_word_is_a_usage_error_that_names_the_known_ones() -> None:
    """A typo must not fall back to an output nobody asked for."""
    with pytest.raises(UsageError) as caught:
        choose_output(OutputWishes(asked="yaml"), {})

    assert "'yaml'" in str(caught.value)
    assert "live" in caught.value.hint
