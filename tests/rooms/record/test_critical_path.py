"""What a run waited for."""

from __future__ import annotations

from herder.events import Outcome
from herder.record.critical_path import critical_path
from herder.record.rows import Span


def span(number: int, host: str, second: float, seconds: float) -> Span:
    return Span(number, number, f"task {number}", "", host, Outcome.OK, second, seconds)


def test_the_chain_goes_through_the_slowest_host_of_each_task() -> None:
    """In a linear play every task waits for its slowest host."""
    spans = [
        span(1, "web1", 0.0, 1.0),
        span(2, "web2", 0.0, 3.0),
        span(3, "web1", 3.0, 4.0),
        span(4, "web2", 3.0, 1.0),
    ]

    assert [each.number for each in critical_path(spans)] == [2, 3]


def test_hosts_at_their_own_pace_make_their_own_chain() -> None:
    """In a free play the last host waits only for itself."""
    spans = [
        span(1, "web1", 0.0, 2.0),
        span(2, "web2", 0.0, 2.0),
        span(3, "web2", 2.0, 1.0),
        span(4, "web1", 2.0, 5.0),
    ]

    assert [each.number for each in critical_path(spans)] == [1, 4]


def test_nothing_waits_for_nothing() -> None:
    """A run without results has no path."""
    assert critical_path([]) == []


def test_tasks_without_length_end_the_search() -> None:
    """Skipped tasks take no time; a chain of them must not go round in a circle."""
    spans = [span(number, "web1", 1.0, 0.0) for number in range(50)]

    assert len(critical_path(spans)) <= 50
