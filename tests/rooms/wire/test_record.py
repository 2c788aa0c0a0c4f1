"""wire/record.py: what typing.NamedTuple does, without its import."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from herder.wire.record import Record


class Point(Record):
    """One of them."""

    x: int
    y: int = 2

    @property
    def total(self) -> int:
        """Give a sum."""
        return self.x + self.y


def test_fields_are_named_have_defaults_and_a_place() -> None:
    """As everywhere in the agent."""
    point = Point(1)

    assert (point.x, point.y, point.total) == (1, 2, 3)
    assert point == (1, 2) == Point(x=1, y=2) == Point(1, y=2)
    assert point._replace(x=5) == (5, 2)
    assert point._asdict() == {"x": 1, "y": 2}
    assert repr(point) == "Point(x=1, y=2)"
    assert Point._field_defaults == {"y": 2}


@pytest.mark.parametrize(
    ("values", "named"),
    [((), {}), ((1, 2, 3), {}), ((1,), {"z": 3}), ((1,), {"x": 1}), ((), {"y": 2, "z": 3})],
)
def test_field_that_is_missing_unknown_or_twice_is_refused(
    values: tuple[Any, ...], named: dict[str, Any]
) -> None:
    """The other end of the wire may be of another release, or hostile."""
    with pytest.raises(TypeError):
        Point(*values, **named)


def test_copies_are_of_the_same_kind() -> None:
    """Tests and queues copy them."""
    for again in (copy.deepcopy(Point(1)), pickle.loads(pickle.dumps(Point(1)))):
        assert type(again) is Point
        assert again == Point(1)
