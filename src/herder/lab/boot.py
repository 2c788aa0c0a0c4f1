"""Starts a machine's systemd on its files and its network, waits for its sshd, and ends it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from herder.errors import LabError
from herder.lab.answers import wait_for_answers
from herder.lab.control_groups import (
    group_processes,
    make_group,
    remove_group,
)
from herder.lab.network import namespace_path
from herder.lab.place import LabPlace
from herder.lab.programs import run_program
from herder.lab.state import Server

# Joins the control groups, mounts the files where only this process and its children see them
# (so the mount ends with them), and starts the machine's supervisor, which would leave its own
# folders in /run/systemd behind. With --keep-unit the supervisor leaves it to others to start a
# machine that reboots, and says so by its exit code (systemd 252 nspawn.c, EXIT_FORCE_RESTART).
_LAUNCH = """
options=$1 root=$2
shift 2
while [ "$1" != -- ]; do echo $$ >"$1"; shift; done
shift
mount -t overlay overlay -o "$options" "$root"
mkdir -p /run/systemd
mount -t tmpfs -o mode=0755 herder-lab /run/systemd
reboots=133
status=$reboots
while [ $status = $reboots ]; do
    status=0
    "$@" || status=$?
done
exit $status
"""
_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "SYSTEMD_NSPAWN_TMPFS_TMP": "0",
}
_SUPERVISOR = "systemd-nspawn"
_CONSOLE_LINES = 5


def disk_directory(place: LabPlace, name: str) -> Path:
    """Give where a machine's own files are: `upper` holds all that differs from its layers."""
    return place.server_directory(name) / "disk"


def launch(place: LabPlace, server: Server) -> None:
    """Start the machine and come back at once; `wait_for_ssh` comes next."""
    group = f"{place.prefix}{server.name}"
    disk = disk_directory(place, server.name)
    root = place.server_directory(server.name) / "root"
    root.mkdir(exist_ok=True)
    _make_work_directory(disk)
    joins = [str(path) for path in make_group(group)]
    words = ["sh", "-ec", _LAUNCH, "sh", _mount_options(disk), str(root)]
    machine = [*words, *joins, "--", *_nspawn_words(place, server, root)]
    detached = ["setsid", "--fork", "unshare", "--mount", "--propagation", "slave"]
    with (place.server_directory(server.name) / "console.log").open("wb") as console:
        subprocess.run(
            [*detached, *machine],
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
            env=_ENVIRONMENT,
            check=True,
        )


def wait_for_ssh(
    place: LabPlace,
    servers: Sequence[Server],
    *,
    started: float,
    deadline_seconds: float,
    goes_on: Callable[[], bool] = lambda: True,
) -> list[Server]:
    """Wait until every one of them answers; give them with their seconds since `started`.

    *Units*: `started` is a `time.monotonic()`.
    *Raises*: LabError, with the console's last lines, when one ends or does not answer in time,
    or does not answer and is wanted no more.
    """

    def check(server: Server, seconds: float) -> None:
        _check_progress(place, server, seconds=seconds, limit_seconds=deadline_seconds)

    return wait_for_answers(servers, started=started, check=check, goes_on=goes_on)


def is_running(place: LabPlace, name: str) -> bool:
    return bool(group_processes(f"{place.prefix}{name}"))


def leader(place: LabPlace, name: str) -> int | None:
    """Give the process that supervises the machine (systemd-nspawn), None when it does not run."""
    marker = f"--machine={place.prefix}{name}".encode()
    for number in group_processes(f"{place.prefix}{name}"):
        words = _command_line(number)
        if words[:1] == [_SUPERVISOR.encode()] and marker in words:
            return number
    return None


def shut_down(place: LabPlace, name: str, *, deadline_seconds: float = 20.0) -> None:
    """Let the machine stop its services and end; end it by force when it takes too long."""
    number = leader(place, name)
    deadline = time.monotonic() + deadline_seconds
    if number is not None:
        # systemd-nspawn passes it on to the machine's systemd as the signal to power off.
        os.kill(number, signal.SIGTERM)
    while is_running(place, name) and number is not None and time.monotonic() < deadline:
        time.sleep(0.05)
    power_off(place, name)


def power_off(place: LabPlace, name: str) -> None:
    """End all of a machine's processes at once; one that does not run is well."""
    remove_group(f"{place.prefix}{name}")


def console_tail(place: LabPlace, name: str) -> str:
    """Give the last lines that the machine's console showed, without terminal codes."""
    path = place.server_directory(name) / "console.log"
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    lines = [line.strip() for line in plain.splitlines() if line.strip()]
    return "; ".join(lines[-_CONSOLE_LINES:])


def _check_progress(
    place: LabPlace, server: Server, *, seconds: float, limit_seconds: float
) -> None:
    # The first moments belong to the launcher, which has not joined the group yet.
    if seconds > 1.0 and not is_running(place, server.name):
        what = f"machine {server.name!r} ended while it booted"
    elif seconds > limit_seconds:
        what = f"machine {server.name!r} did not answer within {limit_seconds:.0f} s"
    else:
        return
    raise LabError(what, context=console_tail(place, server.name))


def _make_work_directory(disk: Path) -> None:
    # overlayfs refuses a work directory that a volatile mount before this one has used.
    run_program(["rm", "-rf", str(disk / "work")])
    (disk / "work").mkdir()


def _mount_options(disk: Path) -> str:
    return (
        f"lowerdir=/,upperdir={disk / 'upper'},workdir={disk / 'work'}"
        ",volatile,redirect_dir=on,index=off,metacopy=off"
    )


def _nspawn_words(place: LabPlace, server: Server, root: Path) -> list[str]:
    network = namespace_path(place, server.name)
    return [
        # /sys shows the network of the process that mounts it, and systemd-nspawn does so before
        # it joins the machine's
        "nsenter",
        f"--net={network}",
        _SUPERVISOR,
        "--quiet",
        "--boot",
        "--register=no",
        "--keep-unit",
        "--settings=no",
        "--console=pipe",
        "--resolv-conf=off",
        "--timezone=off",
        "--link-journal=no",
        f"--directory={root}",
        f"--machine={place.prefix}{server.name}",
        f"--hostname={server.name}",
        f"--network-namespace-path={network}",
    ]


def _command_line(number: int) -> list[bytes]:
    try:
        return Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return []
