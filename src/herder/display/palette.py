"""The colours and signs of this room: one style an outcome, ASCII where a terminal has no more."""

from __future__ import annotations

from dataclasses import dataclass

from herder.events import MessageKind, Outcome

OUTCOME_STYLE: dict[Outcome, str] = {
    Outcome.OK: "green",
    Outcome.CHANGED: "yellow",
    Outcome.SKIPPED: "cyan",
    Outcome.FAILED: "bold red",
    Outcome.IGNORED: "magenta",
    Outcome.UNREACHABLE: "bold red",
}

MESSAGE_STYLE: dict[MessageKind, str] = {
    MessageKind.NOTE: "",
    MessageKind.VERBOSE: "dim",
    MessageKind.WARNING: "magenta",
    MessageKind.DEPRECATION: "dim magenta",
    MessageKind.ERROR: "bold red",
}

HEADING = "bold"
QUIET = "dim"


@dataclass(frozen=True, slots=True)
class Signs:
    """Characters that draw the layout."""

    rule: str = "─"
    bar: str = "━"
    bar_rest: str = "─"
    dot: str = "·"


UNICODE = Signs()
ASCII = Signs(rule="-", bar="=", bar_rest="-", dot="-")
