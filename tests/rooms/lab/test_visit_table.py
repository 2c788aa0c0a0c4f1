"""What visits say together."""

from __future__ import annotations

import pytest

from herder.lab.visit_table import failures, percentile, shares
from herder.lab.visitors import Visit

_VISITS = [
    Visit(0.0, 0.1, "web1", "r1"),
    Visit(0.0, 0.3, "web1", "r1"),
    Visit(0.0, 0.2, "web2", "r2"),
    Visit(0.0, 0.0, failure="refused"),
    Visit(0.0, 0.0, "web2", "r2", failure="status 503"),
]


def test_shares_are_by_server_and_release() -> None:
    """A server that answers with two releases is what one looks for after a deployment."""
    found = [(each.host, each.answers, each.failures) for each in shares(_VISITS)]

    assert found == [("web1", 2, 0), ("web2", 1, 1), ("", 0, 1)]


def test_failed_visits_do_not_count_as_fast_ones() -> None:
    """A refused connection is quick."""
    assert shares(_VISITS)[1].median_seconds == pytest.approx(0.2)


def test_failures_are_counted() -> None:
    """Each text once, with how often."""
    assert failures(_VISITS) == {"refused": 1, "status 503": 1}


@pytest.mark.parametrize(("percent", "value"), [(50, 2.0), (95, 4.0), (100, 4.0), (1, 1.0)])
def test_percentile_is_a_value_that_was_seen(percent: int, value: float) -> None:
    """Nearest rank: nothing is made up between two values."""
    assert percentile([1.0, 2.0, 3.0, 4.0], percent) == value
