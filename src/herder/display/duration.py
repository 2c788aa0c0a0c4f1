"""Seconds as a person reads them."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """Give '0.4s', '12s', '3:05' or '1:02:05'; exact where it is short, calm where it is long."""
    if seconds < 9.95:
        return f"{max(seconds, 0.0):.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    return stopwatch(whole)


def stopwatch(seconds: float) -> str:
    """Give '0:04', '3:05' or '1:02:05', for a clock that runs."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
