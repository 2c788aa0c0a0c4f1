"""Runs that take turns: each peer once, then each again, with the end state checked every time."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.peers import Job, Peer, Start
from benchmarks.scenario import Scenario, WrongState

SAMPLE_SECONDS = 0.05
LIMIT_SECONDS = 1800


@dataclass(frozen=True, slots=True)
class Run:
    """One run. *Units*: seconds, of the clock and of the controller's own processor time; bytes."""

    seconds: float
    controller_seconds: float
    peak_bytes: int


@dataclass(slots=True)
class Measured:
    """All runs of a peer in a scenario, or why there are none."""

    runs: list[Run] = field(default_factory=list)
    problem: str = ""

    @property
    def median(self) -> float | None:
        """The median of the seconds."""
        return statistics.median(run.seconds for run in self.runs) if self.runs else None


def take_turns(
    scenario: Scenario, job: Job, peers: Sequence[Peer], runs: int, say: Callable[[str], None]
) -> dict[str, Measured]:
    """Measure the peers in turn; one that fails is left out of the rest and says why."""
    found = {peer.name: Measured() for peer in peers}
    if scenario.first:
        job.fleet.everywhere(scenario.first)
    for turn in range(-1 if scenario.settle else 0, runs):
        for peer in peers:
            if found[peer.name].problem or (turn < 0 and peer.name != "herder"):
                continue
            try:
                run = _one(scenario, job, peer, is_settling=turn < 0)
            except (WrongState, subprocess.SubprocessError) as error:
                found[peer.name].problem = str(error)
                say(f"  {peer.title}: {error}")
                continue
            if turn >= 0:
                found[peer.name].runs.append(run)
                say(f"  {turn + 1}/{runs} {peer.title}: {run.seconds:.2f} s")
    return found


def _one(scenario: Scenario, job: Job, peer: Peer, *, is_settling: bool) -> Run:
    if scenario.before:
        job.fleet.everywhere(scenario.before)
    start = scenario.starts.get(peer.name, peer.start)(job)
    run = _timed(start, job.folder, job.folder / f"{peer.name}.log")
    if not is_settling:
        scenario.check(job)
    return run


def _timed(start: Start, folder: Path, log: Path) -> Run:
    """Run to the end. *Raises*: subprocess.SubprocessError."""
    with log.open("wb") as output:
        begun = time.monotonic()
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
    return Run(seconds, watch.processor_seconds, watch.peak_bytes)


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
