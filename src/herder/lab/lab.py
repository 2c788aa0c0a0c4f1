"""What a person asks of labs: up, status, down; chooses which kind of server can run here."""

from __future__ import annotations

from herder.errors import LabError
from herder.lab.machines import Machines, MachineWish, machine_names
from herder.lab.place import LabPlace
from herder.lab.requirements import what_machines_lack
from herder.lab.state import Kind, LabState, read_state


def up(place: LabPlace, count: int, *, kind: Kind | None = None, stem: str = "web") -> LabState:
    """Bring a lab up with so many servers; without `kind`, machines where they can run.

    *Raises*: LabError, when the lab is up already or the kind that was asked for cannot run here.
    """
    lack, mend = what_machines_lack()
    if kind is Kind.MACHINES and lack:
        raise LabError(lack, hint=mend)
    names = machine_names(count, stem)
    if kind is Kind.PROCESSES or lack:
        raise LabError("processes are not there yet")
    reason = "asked for" if kind else "root on Linux, systemd-nspawn and sshd are there"
    return Machines(place).up([MachineWish(name) for name in names], reason=reason)


def down(place: LabPlace) -> bool:
    """Remove a lab with all that it made; tell whether there was anything."""
    return Machines(place).down()


def require_state(place: LabPlace) -> LabState:
    """Give the state of a lab that is up. *Raises*: LabError, when there is none or half of one."""
    state = read_state(place.state_file)
    option = "" if place.name == "lab" else f" --name {place.name}"
    if state is None:
        raise LabError(f"no lab named {place.name!r}", hint=f"herder lab up 2{option}")
    if not state.is_complete:
        raise LabError(
            f"lab {place.name!r} did not come up to its end", hint=f"herder lab down{option}"
        )
    return state
