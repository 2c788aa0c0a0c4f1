"""Seconds as a person reads them."""

from __future__ import annotations

import pytest

from herder.display.duration import duration, stopwatch


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0s"),
        (2.34, "2.3s"),
        (9.96, "10s"),
        (59.4, "59s"),
        (59.9, "1:00"),
        (3725, "1:02:05"),
    ],
)
def test_durations_are_exact_where_short(seconds: float, text: str) -> None:
    """A tenth matters in 2 seconds and not in an hour."""
    assert duration(seconds) == text


def test_a_stopwatch_does_not_run_ahead() -> None:
    """It shows whole seconds that have passed."""
    assert [stopwatch(0.9), stopwatch(61), stopwatch(3600)] == ["0:00", "1:01", "1:00:00"]
