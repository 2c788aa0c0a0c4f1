"""Which kind of output a run gets: live on a terminal, plain elsewhere, JSON when asked for."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from herder.errors import UsageError


class OutputKind(enum.Enum):
    """How a run is shown."""

    LIVE = "live"
    PLAIN = "plain"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class OutputWishes:
    """What the decision needs to know of the command line and the terminal.

    `asked` is the word after `--output` ('' when it was not given); `stdout_callback` is what
    ansible.cfg says where the environment does not ('' or 'default' for Ansible's own).
    """

    asked: str = ""
    is_terminal: bool = False
    verbosity: int = 0
    stdout_callback: str = ""


DEFAULT_CALLBACKS = frozenset({"", "default", "ansible.builtin.default"})

NOISY_VERBOSITY = 3
OUTPUT_HINT = "one of auto, live, plain, json"
OUTPUT_HELP = f"Herder's own: --output WORD chooses what is shown, {OUTPUT_HINT}"


def choose_output(wishes: OutputWishes, environment: Mapping[str, str]) -> OutputKind:
    """Decide the output: `--output`, then HERDER_OUTPUT, then what the terminal can show.

    *Raises*: UsageError when the word asked for is none of auto, live, plain and json.
    """
    asked = wishes.asked or environment.get("HERDER_OUTPUT", "") or "auto"
    if asked == "auto":
        return _choose_by_itself(wishes, environment)
    try:
        return OutputKind(asked)
    except ValueError:
        raise UsageError(
            f"output {asked!r} is not known",
            hint=OUTPUT_HINT,
        ) from None


def _choose_by_itself(wishes: OutputWishes, environment: Mapping[str, str]) -> OutputKind:
    callback = environment.get("ANSIBLE_STDOUT_CALLBACK", wishes.stdout_callback)
    can_be_live = (
        wishes.is_terminal
        and environment.get("TERM", "") not in {"", "dumb"}
        and not environment.get("CI")
        and callback in DEFAULT_CALLBACKS
        and wishes.verbosity < NOISY_VERBOSITY
    )
    return OutputKind.LIVE if can_be_live else OutputKind.PLAIN
