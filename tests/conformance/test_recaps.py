"""PLAY RECAPs as data: reading the record, and telling two targets' recaps apart."""

from __future__ import annotations

import json

from conformance.recaps import Recaps, agree_where_steady, differences, in_order, read_record


def line(recap: object) -> str:
    return json.dumps({"words": ["ansible-playbook"], "code": "0", "recap": recap}) + "\n"


def test_counts_of_zero_and_runs_without_a_recap_are_left_out() -> None:
    """A syntax check prints no recap with either engine, however it prints its counts."""
    text = line({}) + line({"web1": {"ok": 2, "changed": 0, "failed": 1}})

    assert read_record(text) == [{"web1": {"failed": 1, "ok": 2}}]


def test_the_order_of_runs_does_not_matter() -> None:
    """Targets run playbooks at the same time."""
    one, other = line({"web1": {"ok": 2}}), line({"web2": {"ok": 1}})

    assert read_record(one + other) == read_record(other + one)


def test_equal_recaps_have_no_difference() -> None:
    """The bar is equality, so equality must be found."""
    recaps: Recaps = in_order([{"b": {"ok": 1}, "a": {"ok": 2}}])

    assert differences(recaps, in_order([{"a": {"ok": 2}, "b": {"ok": 1}}])) == ""


def test_a_run_that_is_missing_is_told() -> None:
    """A command that does nothing ends well and has no recaps."""
    told = differences([], [{"a": {"ok": 2}}, {"a": {"ok": 2}}])

    assert told == '2 of 2 runs: expected {"a": {"ok": 2}}, got no run'


def test_a_run_too_many_is_told() -> None:
    """More tasks than stock's are as wrong as fewer."""
    told = differences([{"a": {"ok": 2}}, {"a": {"ok": 2}}], [{"a": {"ok": 2}}])

    assert told == '1 of 1 runs: expected no more runs, got {"a": {"ok": 2}}'


def test_runs_that_stock_does_otherwise_each_time_are_not_compared() -> None:
    """A target may draw hosts at random; what stock repeats must still be there."""
    steady, first, second, third = ({f"host{number}": {"ok": 1}} for number in range(4))
    recordings = [[steady, first], [steady, second]]
    assert agree_where_steady([steady, third], recordings)
    assert not agree_where_steady([third, third], recordings)
    assert not agree_where_steady([steady], recordings)
    assert not agree_where_steady([steady, third], recordings[:1])
