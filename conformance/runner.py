"""Runs targets, several at a time, each in its own sandbox, and compares them with stock's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from conformance.commands import Engine
from conformance.job import Interpreter, Job
from conformance.machine_copy import run_command
from conformance.material import ROOT
from conformance.recaps import read_record
from conformance.results import Outcome, Report, Result
from conformance.sandbox import TIMEOUT_EXIT_CODE

GRACE_SECONDS = 30
NAMESPACES = ("--mount", "--net", "--pid", "--ipc", "--uts")


@dataclass(frozen=True, slots=True)
class Material:
    """What all jobs of a run share; `layers` are unpacked folders, `code` a snapshot of Herder.

    A layer brings the locale that ansible-test prefers; without one it is what every machine has.
    """

    interpreter: Interpreter
    source: Path
    wheels: Path | None
    folder: Path
    layers: tuple[str, ...]

    @property
    def code(self) -> Path:
        return self.folder / "code"

    @property
    def locale(self) -> str:
        return "en_US.UTF-8" if self.layers else "C.UTF-8"

    @property
    def sandbox(self) -> Path:
        return self.folder / "sandbox"


@dataclass(frozen=True, slots=True)
class Plan:
    """How to run targets; `retries` is how often one that does not count is tried again."""

    engine: Engine
    logs: Path
    timeout_seconds: float = 180.0
    retries: int = 0
    jobs: int = 1
    verbosity: int = 0
    environment: dict[str, str] = field(default_factory=dict)


@contextmanager
def material(
    interpreter: Interpreter, source: Path, wheels: Path | None, layer: Path | None
) -> Iterator[Material]:
    """Lay out the layer and a snapshot of Herder in memory, for as long as the context lasts.

    The root file system cannot hold layers of a copy of itself, and a snapshot keeps results of
    one version together while the code is being worked on. Assumes a mount namespace of its own.
    """
    folder = Path(tempfile.mkdtemp(prefix="conformance."))
    run_command("mount", "-t", "tmpfs", "tmpfs", folder)
    try:
        layers = () if layer is None else (_unpacked(layer, folder / "layer"),)
        made = Material(interpreter, source, wheels, folder, layers)
        made.sandbox.mkdir()
        shutil.copytree(ROOT / "src" / "herder", made.code / "herder")
        python = Path(interpreter.folder) / "bin/python"
        subprocess.run([python, "-m", "compileall", "-q", "-q", made.code], check=False)
        yield made
    finally:
        subprocess.run(["umount", "--lazy", folder], check=False)
        if folder.is_dir():
            folder.rmdir()


def _unpacked(layer: Path, folder: Path) -> str:
    folder.mkdir()
    run_command("tar", "--xattrs", "--xattrs-include=*", "-xpf", layer, "-C", folder)
    return str(folder)


class SandboxError(Exception):
    """A sandbox could not be made; says nothing of the target, so the run cannot go on."""

    def __init__(self, log: Path) -> None:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        super().__init__("\n".join([f"no sandbox for {log.stem!r}, see {log}", *lines[-3:]]))


class Runner:
    """Runs the targets of a plan and puts what comes out into reports."""

    def __init__(self, material: Material, plan: Plan, report: Report, stock: Report) -> None:
        self.material = material
        self.plan = plan
        self.report = report
        self.stock = stock
        self.lock = threading.Lock()
        self.processes: set[subprocess.Popen[bytes]] = set()
        self.is_stopping = False

    def run_all(self, names: list[str], tell: Callable[[str, Result], None]) -> None:
        """Run the targets; `tell` is called with each that is done."""
        with ThreadPoolExecutor(self.plan.jobs) as pool:
            futures = {pool.submit(self._run, name): name for name in names}
            try:
                for future in as_completed(futures):
                    tell(futures[future], future.result())
            except BaseException:
                self.is_stopping = True
                pool.shutdown(wait=False, cancel_futures=True)
                for process in list(self.processes):
                    process.kill()
                raise

    def _run(self, name: str) -> Result:
        if self.plan.engine is Engine.STOCK:
            return self._run_stock(name)
        stock = self.stock.results.get(name)
        if stock is None or stock.outcome is not Outcome.PASSED:
            stock = self._run_stock(name)
        result = self._attempts(name, self.plan.engine, lambda seen: seen.compared_with(stock))
        if result.outcome is Outcome.PASSED and result.difference:
            # Stock may do something else each time: only a second recording tells what it repeats.
            again = self._run_stock(name)
            if again.outcome is Outcome.PASSED:
                result = result.compared_with(again)
        with self.lock:
            self.report.put(name, result)
        return result

    def _run_stock(self, name: str) -> Result:
        result = self._attempts(name, Engine.STOCK, lambda seen: seen)
        with self.lock:
            result = result.after(self.stock.results.get(name))
            self.stock.put(name, result)
        return result

    def _attempts(self, name: str, engine: Engine, judge: Callable[[Result], Result]) -> Result:
        result = judge(self._attempt(name, engine))
        for number in range(2, self.plan.retries + 2):
            if result.is_counted:
                break
            result = replace(judge(self._attempt(name, engine)), attempts=number)
        return result

    def _attempt(self, name: str, engine: Engine) -> Result:
        folder = self.plan.logs / engine.value
        folder.mkdir(parents=True, exist_ok=True)
        record = folder / f"{name}.recaps"
        record.write_bytes(b"")
        start = time.monotonic()
        code = self._code_of(self._job(name, engine, record), folder / f"{name}.log")
        seconds = round(time.monotonic() - start, 1)
        text = record.read_text(encoding="utf-8")
        if not text:
            raise SandboxError(folder / f"{name}.log")
        recaps = read_record(text)
        return Result(self._outcome(code, seconds), seconds, code, recaps)

    def _outcome(self, code: int, seconds: float) -> Outcome:
        if code == 0:
            return Outcome.PASSED
        is_late = code == TIMEOUT_EXIT_CODE and seconds >= self.plan.timeout_seconds
        return Outcome.TIMED_OUT if is_late else Outcome.FAILED

    def _job(self, name: str, engine: Engine, record: Path) -> Job:
        return Job(
            target=name,
            engine=engine,
            interpreter=self.material.interpreter,
            source=str(self.material.source),
            code=str(self.material.code),
            layers=self.material.layers,
            scratch=str(self.material.sandbox),
            record=str(record),
            wheels=str(self.material.wheels or ""),
            timeout_seconds=self.plan.timeout_seconds,
            locale=self.material.locale,
            verbosity=self.plan.verbosity,
            environment=self.plan.environment,
        )

    def _code_of(self, job: Job, log: Path) -> int:
        words = ["unshare", *NAMESPACES, "--fork", "--kill-child", sys.executable]
        words += ["-m", "conformance.sandbox", job.to_json()]
        with log.open("wb") as output:
            process = subprocess.Popen(
                words,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
            self.processes.add(process)
            try:
                return process.wait(job.timeout_seconds + GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                return TIMEOUT_EXIT_CODE
            finally:
                self.processes.discard(process)
                if self.is_stopping:
                    # Ended by us: no result, and no other attempt.
                    raise CancelledError
