"""Looks for all that a lab could leave on this host, without asking the lab."""

from __future__ import annotations

import subprocess
from pathlib import Path

from herder.lab.place import LabPlace


def traces(place: LabPlace) -> list[str]:
    """Give every interface, address, namespace, mount, group, process and file of this lab.

    Other labs may come and go on the same host meanwhile; they are not looked at.
    """
    found = [
        *_lines(["ip", "-oneline", "address"]),
        *_lines(["ip", "-oneline", "link"]),
        *_lines(["ip", "route"]),
        *_lines(["ip", "netns", "list"]),
        *_lines(["ps", "-axww", "-o", "pid=,args="]),
        *Path("/proc/self/mountinfo").read_text("utf-8").splitlines(),
        *(str(path) for path in Path("/sys/fs/cgroup").glob("*/herder.*")),
        *(str(path) for path in Path("/sys/fs/cgroup").glob("herder.*")),
        *(str(path) for path in Path("/run/systemd").rglob("*")),
        *([str(place.directory)] if place.directory.exists() else []),
    ]
    marks = (f"hl{place.mark}", place.prefix, str(place.directory))
    return [line for line in found if any(mark in line for mark in marks)]


def _lines(words: list[str]) -> list[str]:
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
