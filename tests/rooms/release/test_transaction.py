"""The state machine of a deployment: every state with every step."""

from __future__ import annotations

import itertools

import pytest

from herder.release.transaction import TRANSITIONS, ImpossibleStep, State, Step, Transaction

PAIRS = list(itertools.product(State, Step))


@pytest.mark.parametrize(("state", "step"), PAIRS)
def test_a_step_goes_where_the_table_says_and_nowhere_else(state: State, step: Step) -> None:
    """A deployment in a state nobody thought of is how fleets end up half switched."""
    transaction = Transaction()
    transaction.state = state

    if (state, step) in TRANSITIONS:
        assert transaction.take(step) is TRANSITIONS[state, step]
        return

    with pytest.raises(ImpossibleStep):
        transaction.take(step)
    assert transaction.state is state


def test_no_way_leads_to_a_switch_that_does_not_pass_through_staging() -> None:
    """The first law: nothing switches before all hosts hold the same content."""
    into_switching = {
        before for (before, _), after in TRANSITIONS.items() if after is State.SWITCHING
    }

    assert into_switching == {State.STAGED, State.SWITCHING}


def test_an_ended_deployment_takes_no_step() -> None:
    """What is done or stopped must not be moved by a late message."""
    ended = [pair for pair in TRANSITIONS if pair[0] in (State.DONE, State.STOPPED)]

    assert ended == []
