"""A clock that stands still until a test moves it."""

from __future__ import annotations


class HandClock:
    """Gives the seconds that it was set to."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        return self.seconds

    def move(self, seconds: float) -> None:
        self.seconds += seconds
