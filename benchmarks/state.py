"""What the servers have after a run, compared with what they must have."""

from __future__ import annotations

import hashlib

from benchmarks import tasks
from benchmarks.peers import Job
from benchmarks.scenario import STAMP, find_state, require

MARK = f"touch {STAMP}; sleep 0.02\n"
"""Shell before a run that must change nothing."""


def check_tasks(job: Job) -> None:
    """The 30 tasks' files, modes and contents are there, on every server."""
    for host, text in job.fleet.everywhere(find_state(tasks.ROOT)).items():
        expected = tasks.expected(host)
        kinds = _kinds(text)
        digests = _digests(text)
        require(set(kinds) == set(expected), host, f"has {sorted(set(kinds) ^ set(expected))}")
        for path, (mode, content) in expected.items():
            kind, seen = kinds[path]
            require(seen == mode, host, f"{path} has mode {seen}, expected {mode}")
            if kind == "f" and not path.endswith("lines.conf"):
                wanted = hashlib.sha256(content.encode()).hexdigest()
                require(digests[path] == wanted, host, f"{path} has another content")
    _check_lines(job)


def check_untouched(job: Job) -> None:
    """As `check_tasks`, and nothing was written since the mark."""
    check_tasks(job)
    for host, text in job.fleet.everywhere(f"find {tasks.ROOT} -cnewer {STAMP}\n").items():
        require(not text, host, f"changed: {text.split()}")


def _check_lines(job: Job) -> None:
    found = job.fleet.everywhere(f"cat {tasks.ROOT}/app*/lines.conf\n")
    for host, text in found.items():
        expected = [f"key{number}=value{number}" for number in range(1, tasks.ROUNDS + 1)]
        require(text.splitlines() == expected, host, f"lines are {text.splitlines()}")


def _kinds(text: str) -> dict[str, tuple[str, str]]:
    """Give type and mode by path."""
    rows = (line.split(" ", 2) for line in text.splitlines() if line[1:2] == " ")
    return {path: (kind, mode) for kind, mode, path in rows}


def _digests(text: str) -> dict[str, str]:
    rows = (line.split("  ", 1) for line in text.splitlines() if line[64:66] == "  ")
    return {path: digest for digest, path in rows}
