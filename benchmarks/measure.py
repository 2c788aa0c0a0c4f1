"""Runs that take turns: each peer once, then each again, with the end state checked every time."""

from __future__ import annotations

import contextlib
import os
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.fleet import Fleet, end_connections
from benchmarks.peers import Job, Peer, Start, peers
from benchmarks.scenario import Scenario, WrongState

SAMPLE_SECONDS = 0.05
LIMIT_SECONDS = 1800


@dataclass(frozen=True, slots=True)
class Run:
    """One run. *Units*: seconds, bytes.

    `processor_seconds`: of everything, on the controller and on the servers; it says more than
    the clock where others use the machine too. `controller_seconds`: of the controller's process.
    """

    seconds: float
    processor_seconds: float
    controller_seconds: float
    peak_bytes: int


@dataclass(slots=True)
class Measured:
    """All runs of a peer in a scenario, or why there are none."""

    runs: list[Run] = field(default_factory=list)
    problem: str = ""

    def median(self, value: Callable[[Run], float]) -> float | None:
        """Give the median of something that every run has."""
        return statistics.median(map(value, self.runs)) if self.runs else None


def take_turns(
    scenario: Scenario, job: Job, taking_part: Sequence[Peer], runs: int, say: Callable[[str], None]
) -> dict[str, Measured]:
    """Measure the peers in turn; one that fails is left out of the rest and says why."""
    found = {peer.name: Measured() for peer in taking_part}
    if scenario.first:
        job.fleet.everywhere(scenario.first)
    if scenario.settle:
        _run(scenario, job, peers()["herder"])
    for turn in range(1, runs + 1):
        for peer in taking_part:
            if not found[peer.name].problem:
                said = _take_turn(scenario, job, peer, found[peer.name])
                say(f"  {turn}/{runs} {peer.title}: {said}")
    return found


def _take_turn(scenario: Scenario, job: Job, peer: Peer, measured: Measured) -> str:
    """Add a run of the peer or its problem; give what to tell."""
    try:
        run = _run(scenario, job, peer)
        scenario.check(job)
    except (WrongState, subprocess.SubprocessError) as error:
        measured.problem = str(error)
        if scenario.settle:
            _run(scenario, job, peers()["herder"])
        return measured.problem
    measured.runs.append(run)
    return f"{run.seconds:.2f} s, {run.processor_seconds:.2f} s of CPU"


def _run(scenario: Scenario, job: Job, peer: Peer) -> Run:
    if scenario.before:
        job.fleet.everywhere(scenario.before)
    start = scenario.starts.get(peer.name, peer.start)(job)
    end_connections(job.connections)
    if scenario.again:
        _timed(start, job.folder, job.folder / f"{peer.name}.log")
    looking = used_by_servers(job.fleet)
    begun, kept = used_by_servers(job.fleet), used_by_connections(job.connections)
    run = _timed(start, job.folder, job.folder / f"{peer.name}.log")
    # looking costs the servers something too, as much each time
    spent = used_by_servers(job.fleet) - begun - (begun - looking)
    spent += used_by_connections(job.connections) - kept
    return replace(run, processor_seconds=run.processor_seconds + max(0.0, spent))


def used_by_servers(fleet: Fleet) -> float:
    """Give the processor seconds that all the servers' processes have used, ended ones included."""
    script = "cat /proc/[0-9]*/stat 2>/dev/null || true\n"
    lines = [line for text in fleet.everywhere(script).values() for line in text.splitlines()]
    return sum(map(_seconds_in, lines))


def used_by_connections(directory: Path) -> float:
    """Give the processor seconds of the programs that keep connections standing there."""
    mark = b"ssh: " + os.fsencode(directory)
    spent = 0.0
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "cmdline").read_bytes().startswith(mark):
                spent += _seconds_in((process / "stat").read_text())
    return spent


def _seconds_in(line: str) -> float:
    """Give what a process and its ended children have used. *Source*: proc(5), /proc/PID/stat."""
    words = line.rpartition(")")[2].split()
    return sum(map(int, words[11:15])) / os.sysconf("SC_CLK_TCK")


def _used_by_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _timed(start: Start, folder: Path, log: Path) -> Run:
    """Run to the end. *Raises*: subprocess.SubprocessError."""
    with log.open("wb") as output:
        used, begun = _used_by_children(), time.monotonic()
        process = subprocess.Popen(
            start.words,
            cwd=folder,
            env=start.whole_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        watch = _Watch(process.pid)
        try:
            status = process.wait(LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        finally:
            seconds = time.monotonic() - begun
            watch.stop()
    if status != 0:
        sys.stderr.write(log.read_text(errors="replace")[-2000:])
        raise subprocess.CalledProcessError(status, start.words[:2])
    spent = _used_by_children() - used
    return Run(seconds, spent, watch.processor_seconds, watch.peak_bytes)


class _Watch:
    """Looks at a process until it ends: its own processor time and its largest size in memory."""

    def __init__(self, process_id: int) -> None:
        self.processor_seconds = 0.0
        self.peak_bytes = 0
        self._place = Path(f"/proc/{process_id}")
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(SAMPLE_SECONDS):
            try:
                fields = (self._place / "stat").read_text().rpartition(")")[2].split()
                status = (self._place / "status").read_text()
            except OSError:
                return
            ticks = int(fields[11]) + int(fields[12])
            self.processor_seconds = ticks / os.sysconf("SC_CLK_TCK")
            for line in status.splitlines():
                if line.startswith("VmHWM:"):
                    self.peak_bytes = int(line.split()[1]) * 1024
