"""Finds and removes everything that a lab made, whether or not its state file tells of it."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from herder.errors import LabError
from herder.lab.boot import power_off
from herder.lab.control_groups import group_names, signal_group
from herder.lab.daemon import daemons, end_daemons
from herder.lab.kernel_limits import restore_limits
from herder.lab.network import LINKS, NAMESPACES, bridge_name, remove_link, remove_namespace
from herder.lab.place import LabPlace
from herder.lab.programs import run_program, try_program
from herder.lab.state import read_state
from herder.lab.strays import strays

_MOUNTS = Path("/proc/self/mountinfo")


@contextlib.contextmanager
def making(place: LabPlace) -> Iterator[None]:
    """Hold the lab while it is made, on clean ground; when that fails, leave nothing of it.

    *Raises*: LabError, when the lab is there already or another command holds it.
    """
    with place.locked():
        _refuse_when_complete(place)
        _end_everything(place)
        empty_directory(place)
        try:
            yield
        except BaseException:
            remove_lab(place)
            raise


def is_there(place: LabPlace) -> bool:
    """Tell whether anything of the lab is on this host."""
    return place.directory.exists() or bool(leftovers(place))


def remove_lab(place: LabPlace) -> None:
    """Remove the lab with all that it made; the caller holds its lock."""
    _end_everything(place)
    remove_directory(place)


def leftovers(place: LabPlace) -> list[str]:
    """Name everything of this lab that is on this host outside its directory."""
    return [
        *(f"process {number}" for number in daemons(place) + strays(place)),
        *(f"process group {name}" for name in sorted(group_names(place.prefix))),
        *(f"interface {name}" for name in _links(place)),
        *(f"network namespace {path.name}" for path in _namespaces(place)),
        *(f"mount {path}" for path in _mounts(place)),
    ]


def _refuse_when_complete(place: LabPlace) -> None:
    state = read_state(place.state_file)
    if state is not None and state.is_complete:
        raise LabError(
            f"lab {place.name!r} is up already, with {len(state.servers)} servers",
            hint=f"herder lab down --name {place.name}",
        )


def _end_everything(place: LabPlace) -> None:
    """End every server of this lab and remove what it had, but for the lab's directory."""
    _end_connections(place)
    end_daemons(place)
    names = group_names(place.prefix)
    for name in names:  # all at once, then one after the other until each is gone
        signal_group(name)
    for name in names:
        power_off(place, name.removeprefix(place.prefix))
    for link in _links(place):
        remove_link(link)
    for namespace in _namespaces(place):
        remove_namespace(namespace)
    unmount_below(place.directory)
    restore_limits()


def _end_connections(place: LabPlace) -> None:
    # ssh keeps them for a minute after a run
    for socket in place.connections_directory.glob("*"):
        try_program(["ssh", "-F", "/dev/null", "-S", str(socket), "-O", "exit", "lab"])


def remove_directory(place: LabPlace) -> None:
    """Remove the lab's directory, in which nothing is mounted any more, and what held only it."""
    if place.directory.exists():
        empty_directory(place)
        place.directory.rmdir()
    with contextlib.suppress(OSError):  # other labs, or other things, are there
        for parent in place.directory.parents[:2]:
            if parent.name in ("labs", "herder"):
                parent.rmdir()


def empty_directory(place: LabPlace) -> None:
    """Remove all that is in the lab's directory; the directory itself carries the lock."""
    for path in place.directory.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def unmount_below(directory: Path) -> None:
    """Unmount all that is mounted at or below this directory, the innermost first."""
    for path in _mounts_below(directory):
        run_program(["umount", "--lazy", str(path)])


def _links(place: LabPlace) -> list[str]:
    # The machines' cables before the bridge, as they were made after it.
    return sorted((path.name for path in LINKS.glob(f"{bridge_name(place)}*")), reverse=True)


def _namespaces(place: LabPlace) -> list[Path]:
    return sorted(NAMESPACES.glob(f"{place.prefix}*"))


def _mounts(place: LabPlace) -> list[Path]:
    return _mounts_below(place.directory)


def _mounts_below(directory: Path) -> list[Path]:
    if not _MOUNTS.exists():  # not Linux, where no lab mounts anything
        return []
    points = [_unescaped(line.split()[4]) for line in _MOUNTS.read_text("utf-8").splitlines()]
    return [path for path in reversed(points) if path.is_relative_to(directory)]


def _unescaped(text: str) -> Path:
    """Give a path as it is: the kernel writes blanks and the like as three octal digits."""
    return Path(re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text))
