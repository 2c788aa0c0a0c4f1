"""What a person asks of labs: up, status, down; chooses which kind of server can run here."""

from __future__ import annotations

from herder.errors import LabError
from herder.lab.leftovers import is_there, remove_lab
from herder.lab.machines import Machines
from herder.lab.place import LabPlace
from herder.lab.processes import Processes
from herder.lab.requirements import what_machines_lack
from herder.lab.servers import Servers, ServerWish, server_names
from herder.lab.state import Kind, LabState, read_state


def up(place: LabPlace, count: int, *, kind: Kind | None = None, stem: str = "web") -> LabState:
    """Bring a lab up with so many servers; without `kind`, machines where they can run.

    *Raises*: LabError, when the lab is up already or the kind that was asked for cannot run here.
    """
    lack, mend = what_machines_lack()
    if kind is Kind.MACHINES and lack:
        raise LabError(lack, hint=mend)
    wishes = [ServerWish(name) for name in server_names(count, stem)]
    if kind is Kind.PROCESSES or lack:
        reason = "asked for" if kind else lack
        return Processes(place).up(wishes, reason=reason)
    reason = "asked for" if kind else "root on Linux, systemd-nspawn and sshd are there"
    return Machines(place).up(wishes, reason=reason)


def servers(place: LabPlace) -> Servers:
    """Give what changes the servers of a lab that is up. *Raises*: LabError, when there is none."""
    kind = require_state(place).kind
    return Machines(place) if kind is Kind.MACHINES else Processes(place)


def down(place: LabPlace) -> bool:
    """Remove a lab with all that it made; tell whether there was anything."""
    if not is_there(place):
        return False
    with place.locked(wait_seconds=5.0):
        remove_lab(place)
    return True


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
