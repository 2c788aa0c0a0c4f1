"""A deployment's state machine: which steps may follow one another, without I/O.

States: IDLE, LEASED, CHECKED, STAGED, SWITCHING, GOING_BACK, DONE, STOPPED.
Events are the members of `Step`. Laws:
1. No host switches before every host is staged with the same content.
2. From the first switch on there are two ends: all hosts have the release (DONE), or what
   switched went back or was said to be left (STOPPED).
3. A step that the table does not have is a bug and changes nothing.
"""

from __future__ import annotations

import enum

from herder.errors import BUG, HerderError


class State(enum.Enum):
    """Where a deployment is."""

    IDLE = "idle"
    LEASED = "leased"
    CHECKED = "checked"
    STAGED = "staged"
    SWITCHING = "switching"
    GOING_BACK = "going back"
    DONE = "done"
    STOPPED = "stopped"


class Step(enum.Enum):
    """What happened to a deployment."""

    LEASE_TAKEN = "lease taken"
    CHECKS_PASSED = "checks passed"
    STAGED_ALIKE = "staged alike"
    BATCH_BEGAN = "batch began"
    GATE_FAILED = "gate failed"
    ALL_SWITCHED = "all switched"
    WENT_BACK = "went back"
    GAVE_UP = "gave up"


TRANSITIONS: dict[tuple[State, Step], State] = {
    (State.IDLE, Step.LEASE_TAKEN): State.LEASED,
    (State.IDLE, Step.GAVE_UP): State.STOPPED,
    (State.LEASED, Step.CHECKS_PASSED): State.CHECKED,
    (State.LEASED, Step.GAVE_UP): State.STOPPED,
    (State.CHECKED, Step.STAGED_ALIKE): State.STAGED,
    (State.CHECKED, Step.GAVE_UP): State.STOPPED,
    (State.STAGED, Step.BATCH_BEGAN): State.SWITCHING,
    (State.STAGED, Step.GAVE_UP): State.STOPPED,
    (State.SWITCHING, Step.BATCH_BEGAN): State.SWITCHING,
    (State.SWITCHING, Step.ALL_SWITCHED): State.DONE,
    (State.SWITCHING, Step.GATE_FAILED): State.GOING_BACK,
    (State.SWITCHING, Step.GAVE_UP): State.STOPPED,
    (State.GOING_BACK, Step.WENT_BACK): State.STOPPED,
    (State.GOING_BACK, Step.GAVE_UP): State.STOPPED,
}


class ImpossibleStep(HerderError):
    """A deployment was told of a step that cannot happen now."""

    reference = "impossible-step"
    exit_code = BUG

    def __init__(self, state: State, step: Step) -> None:
        super().__init__(f"step {step.value!r} cannot follow in state {state.value!r}")


class Transaction:
    """Holds the state; `take` is the only way to change it."""

    def __init__(self) -> None:
        self.state = State.IDLE

    def take(self, step: Step) -> State:
        """Go to the state that follows. *Raises*: ImpossibleStep, the state stays as it was."""
        following = TRANSITIONS.get((self.state, step))
        if following is None:
            raise ImpossibleStep(self.state, step)
        self.state = following
        return following

    @property
    def is_over(self) -> bool:
        """Say whether nothing can follow any more."""
        return self.state in (State.DONE, State.STOPPED)
