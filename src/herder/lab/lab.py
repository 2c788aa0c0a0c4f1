"""What a person asks of labs: up, status, down; chooses which kind of server can run here."""

from __future__ import annotations

import os
from collections.abc import Sequence

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
    return up_named(place, server_names(count, stem), kind=kind)


def up_named(place: LabPlace, names: Sequence[str], *, kind: Kind | None = None) -> LabState:
    """Bring a lab up with servers of these names. *Raises*: LabError, as `up` does."""
    chosen, reason = choose_kind(kind)
    wishes = [ServerWish(name) for name in names]
    if chosen is Kind.PROCESSES:
        return Processes(place).up(wishes, reason=reason)
    return Machines(place).up(wishes, reason=reason)


def choose_kind(wanted: Kind | None) -> tuple[Kind, str]:
    """Give what a lab's servers will be here, and why. *Raises*: LabError, when they cannot be."""
    lack, mend = what_machines_lack()
    if wanted is Kind.MACHINES and lack:
        raise LabError(lack, hint=mend)
    if wanted is not None:
        return wanted, "asked for"
    if lack:
        return Kind.PROCESSES, lack
    return Kind.MACHINES, "root on Linux, systemd-nspawn and sshd are there"


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
        others = _names_beside(place)
        named = f", or --name of one that is there: {', '.join(others)}" if others else ""
        raise LabError(f"no lab named {place.name!r}", hint=f"herder lab up 2{option}{named}")
    if not state.is_complete:
        raise LabError(
            f"lab {place.name!r} did not come up to its end", hint=f"herder lab down{option}"
        )
    return state


def _names_beside(place: LabPlace) -> list[str]:
    try:
        beside = sorted(place.directory.parent.iterdir())
    except OSError:
        return []
    # os.path says no where it may not look; a Path raises
    return [each.name for each in beside if os.path.isfile(LabPlace(each).state_file)]  # noqa: PTH113
