"""Asynchronous jobs: a module that goes on when the conversation is over.

*Source*: ansible-core 2.19 modules/async_wrapper.py: names and content of the job file, the reply,
the time limit, umask and session of the job.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import Any, Callable, Dict, List, Tuple

from herder.agent.calls import BundleCall
from herder.agent.children import Child, Limits, Outcome
from herder.agent.fork import fork_child
from herder.agent.loop import Loop
from herder.agent.modules import Launch
from herder.wire.messages import RunModule

_GRACE_SECONDS = 1.0
_OUTPUT_LIMIT_BYTES = 64 * 1024 * 1024
_TIMEOUT = "Timeout exceeded"

Result = Dict[str, Any]


class JobCall(BundleCall):
    """Starts a job and answers as soon as its file says that it has started."""

    def start(self) -> None:
        """Fork a starter, whose output is the answer and whose grandchild is the job."""
        loop, launch = self.resources.loop, self.prepare()
        process_id, pipes = fork_child(loop, lambda: _start_job(self.call, launch))
        self.child = Child(loop, process_id, pipes, self.resources.limits(0), self.done)


def _start_job(call: RunModule, launch: Launch) -> None:
    job = f"{call.job_id}.{os.getpid()}"
    folder = os.path.expanduser(call.async_dir or "~/.ansible_async")
    path = os.path.join(folder, job)
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        _print({"failed": True, "msg": f"could not create directory: {folder} - {error}"})
        sys.exit(1)
    started_read, started_write = os.pipe()
    if os.fork() == 0:
        os.close(started_read)
        _detach(lambda: _supervise(call, launch, path, job, started_write))
    os.close(started_write)
    os.read(started_read, 1)
    _print(
        {
            "failed": False,
            "started": True,
            "finished": False,
            "ansible_job_id": job,
            "results_file": path,
            "_ansible_suppress_tmpdir_delete": False,
        }
    )


def _print(result: Result) -> None:
    sys.stdout.write(json.dumps(result) + "\n")


def _detach(program: Callable[[], None]) -> None:
    try:
        os.setsid()
        os.umask(0o022)
        if os.fork() == 0:
            nowhere = os.open(os.devnull, os.O_RDWR)
            for descriptor in (0, 1, 2):
                os.dup2(nowhere, descriptor)
            program()
    finally:
        os._exit(0)


def _supervise(call: RunModule, launch: Launch, path: str, job: str, started: int) -> None:
    _write(path, {"started": True, "finished": False, "ansible_job_id": job})
    os.write(started, b"1")
    os.close(started)
    try:
        process_id, outcome = _run(call, launch)
        result = _result(call, outcome)
    except Exception:  # noqa: BLE001 -- whoever polls the job must learn of it
        process_id, result = 0, {"failed": True, "cmd": call.name, "msg": traceback.format_exc()}
    finally:
        launch.clean_up()
    if result.get("msg") == _TIMEOUT:
        result["child_pid"] = process_id
    elif result.get("cmd") == call.name and result.get("failed"):
        result["ansible_job_id"] = job
    _write(path, result)


def _run(call: RunModule, launch: Launch) -> Tuple[int, Outcome]:
    loop = Loop()
    outcomes: List[Outcome] = []
    process_id, pipes = fork_child(loop, launch.program)
    limits = Limits(_OUTPUT_LIMIT_BYTES, call.async_seconds, _GRACE_SECONDS)
    Child(loop, process_id, pipes, limits, outcomes.append)
    while not outcomes:
        loop.run_once()
    return process_id, outcomes[0]


def _result(call: RunModule, outcome: Outcome) -> Result:
    if outcome.problem:
        is_timeout = outcome.problem.startswith("timed out")
        return {"failed": True, "msg": _TIMEOUT if is_timeout else outcome.problem}
    text = outcome.stdout.decode(errors="surrogateescape")
    stderr = outcome.stderr.decode(errors="surrogateescape")
    try:
        return _parsed(text, stderr)
    except ValueError:
        return {
            "failed": True,
            "cmd": call.name,
            "data": text,
            "stderr": stderr,
            "msg": traceback.format_exc(),
        }


def _parsed(text: str, stderr: str) -> Result:
    lines = text.splitlines()
    first = next((n for n, line in enumerate(lines) if line.strip().startswith("{")), None)
    if first is None:
        raise ValueError("No start of json char found")
    last = max((n for n, line in enumerate(lines) if line.strip().endswith("}")), default=-1)
    if last < first:
        raise ValueError("No end of json char found")
    result: Result = json.loads("\n".join(lines[first : last + 1]))
    junk = "\n".join(lines[last + 1 :])
    if junk.strip():
        warnings = result.get("warnings", [])
        warnings = list(warnings) if isinstance(warnings, list) else [warnings]
        result["warnings"] = [*warnings, f"Module invocation had junk after the JSON data: {junk}"]
    if stderr:
        result["stderr"] = stderr
    return result


def _write(path: str, result: Result) -> None:
    with open(f"{path}.tmp", "w", encoding="utf-8") as file:
        file.write(json.dumps(result))
    os.rename(f"{path}.tmp", path)
