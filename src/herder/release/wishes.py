"""What the person who deploys asked for, and who that is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeployWishes:
    """`release` is '' for a name made of the time (deploy) or for the previous one (rollback).

    *Shapes*: `owner` names this deployment among all others. *Units*: `wait_seconds`.
    """

    user: str
    controller: str
    owner: str
    release: str = ""
    message: str = ""
    wait_seconds: float = 0.0
