"""Every knob of Herder with its default, unit and environment name.

What `ansible.cfg` and the ANSIBLE_ variables say is read by ansible-core and is not repeated
here. Read by the command line and `run.py` only; a room is given the one value it needs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import TypeAlias

from herder.errors import UsageError
from herder.person import at_home


class OutputMode(Enum):
    """How a run is shown; `auto` is `live` on a terminal and `plain` elsewhere."""

    AUTO = "auto"
    LIVE = "live"
    PLAIN = "plain"
    JSON = "json"


Value: TypeAlias = int | float | Path | OutputMode


@dataclass(frozen=True, slots=True)
class Settings:
    """All knobs of a run; `from_environment` fills them, the command line may replace some.

    *Units*: in the names. `forks_max` is how many hosts at most run at once when -f is not given,
    `programs_at_once` how many modules and commands one machine runs at once then,
    `connect_starts` how many connections may be starting at once; `connect_timeout_seconds` is
    from the start of a connection to the agent's greeting. With `connect_early` a command that was
    given before begins to connect before ansible-core is there.
    """

    forks_max: int = 500
    programs_at_once: int = 10
    connect_starts: int = 30
    connect_timeout_seconds: float = 60.0
    connect_early: bool = True
    close_timeout_seconds: float = 5.0
    output: OutputMode = OutputMode.AUTO
    output_limit_bytes: int = 64 * 1024 * 1024
    state_directory: Path = Path("~/.local/state/herder")


@dataclass(frozen=True, slots=True)
class Knob:
    """One setting: its field in `Settings`, how its text is read, and what a good text is."""

    field: str
    read: Callable[[str], Value]
    expected: str

    @property
    def environment_name(self) -> str:
        return f"HERDER_{self.field.upper()}"


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Give the settings that HERDER_ variables ask for, the defaults for the rest.

    An empty variable counts as not set. *Raises*: UsageError, on the first text that does not fit.
    """
    values = {
        knob.field: _read(knob, text)
        for knob in KNOBS
        if (text := environment.get(knob.environment_name))
    }
    settings = replace(Settings(), **values)  # type: ignore[arg-type]  # a knob's `read` gives its field's type; a test holds them together
    return replace(settings, state_directory=_expand(settings.state_directory, environment))


def _read(knob: Knob, text: str) -> Value:
    try:
        return knob.read(text)
    except ValueError as error:
        raise UsageError(
            f"{knob.environment_name} is {text!r}, expected {knob.expected}",
            context="environment",
            hint=f"unset {knob.environment_name} for the default",
        ) from error


def _expand(path: Path, environment: Mapping[str, str]) -> Path:
    home = environment.get("HOME")
    if path.parts[:1] == ("~",) and home:
        return Path(home, *path.parts[1:])
    return at_home(path)


def _positive_integer(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def _positive_seconds(text: str) -> float:
    number = float(text)
    if not 0 < number < math.inf:
        raise ValueError(text)
    return number


def _yes_or_no(text: str) -> bool:
    answers = {"yes": True, "no": False}
    if text not in answers:
        raise ValueError(text)
    return answers[text]


_WHOLE = "a whole number from 1"
_SECONDS = "a number of seconds above 0"

KNOBS = (
    Knob("forks_max", _positive_integer, _WHOLE),
    Knob("programs_at_once", _positive_integer, _WHOLE),
    Knob("connect_starts", _positive_integer, _WHOLE),
    Knob("connect_timeout_seconds", _positive_seconds, _SECONDS),
    Knob("connect_early", _yes_or_no, "yes or no"),
    Knob("close_timeout_seconds", _positive_seconds, _SECONDS),
    Knob("output", OutputMode, "one of: " + ", ".join(mode.value for mode in OutputMode)),
    Knob("output_limit_bytes", _positive_integer, "a number of bytes from 1"),
    Knob("state_directory", Path, "a path"),
)
