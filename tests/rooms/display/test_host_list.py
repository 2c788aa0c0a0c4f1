"""Host names in a bounded width."""

from __future__ import annotations

import pytest

from herder.display.host_list import fold_hosts
from herder.model.host_order import sort_hosts, without_name

HOSTS = [f"web{number}" for number in range(1, 11)]


@pytest.mark.parametrize(
    ("width", "text"),
    [
        (80, "web1, web2, web3, web4, web5, web6, web7, web8, web9, web10"),
        (20, "web1, web2 (+8)"),
        (12, "web1 (+9)"),
        (1, "web1 (+9)"),
    ],
)
def test_names_fold_to_the_width(width: int, text: str) -> None:
    """At 300 hosts one line must still be one line, and say how many it stands for."""
    assert fold_hosts(HOSTS, width) == text


def test_hosts_are_ordered_as_people_count() -> None:
    """web10 after web2, not before."""
    assert sort_hosts(["web10", "db", "web2", "10.0.0.2", "10.0.0.10"]) == [
        "10.0.0.2",
        "10.0.0.10",
        "db",
        "web2",
        "web10",
    ]


def test_texts_of_two_hosts_are_equal_without_their_names() -> None:
    """A host named 'a' must not take the letter out of every word."""
    assert without_name("a: no such file (a)", "a") == without_name("b: no such file (b)", "b")
    assert without_name("lock on web10", "web1") == "lock on web10"
