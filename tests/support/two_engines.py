"""Runs the same playbook with ansible-playbook and with Herder, each in its own copy of a folder.

What is compared is what a person or a script sees: exit code, words, recap, and the files made.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src"
STOCK = (str(Path(sys.executable).with_name("ansible-playbook")),)
HERDER = (sys.executable, "-m", "herder", "playbook", "--output", "plain")

# What no two runs have alike: moments, durations, process ids, names made up for the occasion.
VARYING = tuple(
    (re.compile(pattern), put)
    for pattern, put in (
        (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?", "MOMENT"),
        (r"\d+:\d\d:\d\d(\.\d+)?", "DURATION"),
        (r"ansible-tmp-[\d.]+-\d+-\d+", "TEMPORARY"),
        (r"(_original_basename\": ?\")\.\w{8}", r"\1TEMPORARY"),
        (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "ID"),
        (r"j?\d{5,}\.\d+", "JOB"),
        (r"ansible-local-\w+/tmp\w+", "TEMPORARY"),
        (r"/tmp/ansible_\w+_payload_\w+", "TEMPORARY"),
        (r"tmp[a-z0-9_]{8}\b", "TEMPORARY"),
        (r"(\"(?:mtime|ctime|atime|inode|pid|child_pid)\": )[\d.]+", r"\1N"),
        # where the engine itself is
        (r"(?m)^  (executable|ansible collection) location = .*", r"  \1 location = PLACE"),
        (r"(?m)^Traceback \(most recent call last\):\n(  .*\n)+", "TRACEBACK\n"),
        # as wide as the longest path, which differs
        (r"\*{3,}", "***"),
    )
)
# how often somebody asked is a matter of time
POLLS = ("ASYNC POLL", "FAILED - RETRYING")
INCLUDED = re.compile(r"^(?P<file>included: \S+) for (?P<hosts>[\w.-]+(?:, [\w.-]+)+)")
RECAP_LINE = re.compile(r"^(\S+) +: (ok=\d.*?) *$", re.MULTILINE)


@dataclass(frozen=True)
class Outcome:
    """What came of one run; `said` is all of it in its order, first what is no complaint."""

    exit_code: int
    said: tuple[str, ...]
    lines: tuple[str, ...]
    complaints: tuple[str, ...]
    recap: Mapping[str, str]
    files: Mapping[str, str]
    text: str


def run_both(
    folder: Path, words: Sequence[str], own: Path, settings: Mapping[str, str] | None = None
) -> tuple[Outcome, Outcome]:
    """Run ansible-playbook and Herder at the same time; stock's outcome first."""
    given = settings or {}
    runs = [_start(engine, folder, words, own / name, given) for name, engine in _ENGINES.items()]
    stock, herder = (_ended(process, place) for process, place in runs)
    return stock, herder


_ENGINES = {"stock": STOCK, "herd1": HERDER}


def _start(
    engine: Sequence[str], folder: Path, words: Sequence[str], place: Path, given: Mapping[str, str]
) -> tuple[subprocess.Popen[str], Path]:
    shutil.copytree(folder, place, symlinks=True)
    process = subprocess.Popen(
        [*engine, *words],
        cwd=place,
        env={**environment(place), **given},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    return process, place


def without_ansible() -> dict[str, str]:
    """Give the environment without anybody's Ansible settings, those of the tests too."""
    return {name: text for name, text in os.environ.items() if not name.startswith("ANSIBLE_")}


def environment(place: Path) -> dict[str, str]:
    """Give a run's environment: the folder's own ansible.cfg, a home of its own."""
    home = place.parent / f"home-{place.name}"
    home.mkdir(exist_ok=True)
    return {
        **without_ansible(),
        "PYTHONPATH": str(SOURCE),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_NOCOLOR": "true",
        "PYTHON_FOR_HOSTS": sys.executable,
        "HERDER_STATE_DIRECTORY": str(home / "state"),
        "TMPDIR": str(home),
        # messages list what is in a set
        "PYTHONHASHSEED": "0",
    }


def _ended(process: subprocess.Popen[str], place: Path) -> Outcome:
    try:
        output, complaints = process.communicate()
    finally:
        # a test that is out of time leaves nothing behind
        process.kill()
    return Outcome(
        exit_code=process.returncode,
        said=(*in_order(output, place), *in_order(complaints, place)),
        lines=normalised(output, place),
        complaints=normalised(complaints, place),
        recap=recap_of(output),
        files=_files(place / "out"),
        text=output + complaints,
    )


def normalised(output: str, place: Path) -> tuple[str, ...]:
    """Give the lines without what differs from run to run, in an order of their own.

    How often a task's headline comes depends on which host is first, except with `linear`; so does
    for how many hosts at a time a file is included.
    """
    kept = (line for line in in_order(output, place) if line and not line.startswith(POLLS))
    lines = [each for line in kept for each in _for_each_host(line)]
    headlines = {line for line in lines if line.endswith("] ***")}
    return tuple(sorted([*headlines, *(line for line in lines if line not in headlines)]))


def _for_each_host(line: str) -> list[str]:
    included = INCLUDED.match(line)
    if included is None:
        return [line]
    return [f"{included['file']} for {host}" for host in included["hosts"].split(", ")]


def in_order(output: str, place: Path) -> tuple[str, ...]:
    """Give the lines without what differs from run to run."""
    output = output.replace(str(place), "PLACE").replace(f"home-{place.name}", "HOME")
    for pattern, put in VARYING:
        output = pattern.sub(put, output)
    return tuple(line.rstrip() for line in output.splitlines())


def recap_of(output: str) -> dict[str, str]:
    """Give each host's numbers in the recap."""
    return {host: re.sub(r" +", " ", sums) for host, sums in RECAP_LINE.findall(output)}


def _files(folder: Path) -> dict[str, str]:
    """Give every file's mode and content by its path."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): f"{path.stat().st_mode:o} {path.read_text('utf-8')}"
        for path in paths
    }
