"""The rich console that all of this room prints to, with the colours the operator asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TextIO

from rich.console import Console


def make_console(stream: TextIO, environment: Mapping[str, str]) -> Console:
    """Give a console on `stream`: no markup, no emoji, nothing highlighted by guess.

    Colours are left out for NO_COLOR (any value but '') and for ANSIBLE_NOCOLOR when it is true.
    """
    return Console(
        file=stream,
        no_color=has_no_colour(environment) or None,
        markup=False,
        emoji=False,
        highlight=False,
        _environ=environment,
    )


def has_no_colour(environment: Mapping[str, str]) -> bool:
    """Say whether the operator wants no colours.

    *Source*: https://no-color.org, ansible-core 2.19 `ANSIBLE_NOCOLOR` (base.yml).
    """
    if environment.get("NO_COLOR"):
        return True
    return is_true(environment.get("ANSIBLE_NOCOLOR", ""))


def is_true(word: str) -> bool:
    """Read a boolean as ansible.cfg and its environment variables do."""
    return word.strip().lower() in {"1", "y", "yes", "t", "true", "on"}
