"""The background programs of a lab: starts them, finds them, ends them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import herder
from herder.errors import LabError
from herder.lab.place import LabPlace
from herder.lab.programs import run_program
from herder.lab.strays import strays

PROCESS_SERVERS = "herder.lab.process_servers"
WAY_OUT = "herder.lab.way_out"
CLOUD_ENDPOINT = "herder.lab.cloud_endpoint"

_MODULES = (CLOUD_ENDPOINT, PROCESS_SERVERS, WAY_OUT)
_END_SECONDS = 5.0


def start_daemon(place: LabPlace, module: str, variables: Mapping[str, str] | None = None) -> None:
    """Start one of the lab's programs in the background; it is given the lab's directory.

    With `variables`, its environment has these too.
    """
    paths = [str(Path(herder.__file__).parent.parent), os.environ.get("PYTHONPATH", "")]
    with (place.directory / "daemon.log").open("ab") as log:
        ended = subprocess.run(
            _words(place, module),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={
                **os.environ,
                **(variables or {}),
                "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            },
            check=False,
        )
    if ended.returncode != 0:
        raise LabError(f"{module} did not start", context=log_tail(place))


def daemons(place: LabPlace, *modules: str) -> list[int]:
    """Give the numbers of this lab's processes; their command line tells them from others.

    With `modules`, of those programs only.

    It is not taken from a file: that may be lost, or name a process that has taken the number.
    """
    wanted = tuple(" ".join(_words(place, module)[1:]) for module in modules or _MODULES)
    lines = run_program(["ps", "-axww", "-o", "pid=,args="]).splitlines()
    entries = [line.split(maxsplit=1) for line in lines]
    return [int(entry[0]) for entry in entries if len(entry) == 2 and entry[1].endswith(wanted)]


def end_daemons(place: LabPlace, *modules: str) -> None:
    """End this lab's processes and what its sessions left running, gently first.

    With `modules`, these programs only. *Raises*: LabError, when one lives on.
    """
    deadline = time.monotonic() + _END_SECONDS
    while numbers := daemons(place, *modules) + ([] if modules else strays(place)):
        late = time.monotonic() - deadline
        if late > _END_SECONDS:
            raise LabError(f"process {numbers[0]} could not be ended")
        for number in numbers:
            _signal(number, signal.SIGKILL if late > 0 else signal.SIGTERM)
        time.sleep(0.05)


def log_tail(place: LabPlace) -> str:
    """Give the last line that one of the lab's programs wrote."""
    path = place.directory / "daemon.log"
    lines = path.read_text("utf-8", errors="replace").split("\n") if path.exists() else []
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _words(place: LabPlace, module: str) -> list[str]:
    return [sys.executable, "-m", module, str(place.directory)]


def _signal(number: int, signal_number: signal.Signals) -> None:
    try:
        os.kill(number, signal_number)
    except ProcessLookupError:
        return
