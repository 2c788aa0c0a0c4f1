"""Runs one target in a throw-away copy of this machine; `python -m conformance.sandbox JOB`.

The runner starts it as PID 1 of fresh mount, network, PID, IPC and UTS namespaces.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from conformance.catalog import Target
from conformance.job import Job
from conformance.machine_copy import (
    allow_ssh_to_self,
    enter_copy,
    forget_the_user,
    let_all_users_run,
)
from conformance.work_tree import CODE, WorkTree

TIMEOUT_EXIT_CODE = 124
CANNOT_RUN_EXIT_CODE = 127
OPEN_FILES_MAX = 1024


def main() -> int:
    """Run the job of the command line and give the target's exit code."""
    job = Job.from_json(sys.argv[1])
    with Path(job.record).open("ab") as record:
        home = Path.home()
        shown = {Path(job.source): home / "ansible", Path(job.code): CODE}
        enter_copy(Path(job.scratch), job.layers, shown)
        forget_the_user(home, job.wheels)
        tree = WorkTree(job, home)
        let_all_users_run(tree.python)
        allow_ssh_to_self(home / ".ssh", start_server=tree.target.needs_ssh)
        tree.make()
        # From here on what goes wrong is the target's; the runner looks for this line.
        record.write(b'{"recap": {}}\n')
        record.flush()
        try:
            return _run_all(tree) & 0xFF
        finally:
            record.write(tree.record.read_bytes())


def _run_all(tree: WorkTree) -> int:
    deadline = time.monotonic() + tree.job.timeout_seconds
    code = 0
    for target in [*(tree.catalog.targets[name] for name in tree.target.setup), tree.target]:
        shutil.rmtree(tree.output, ignore_errors=True)
        tree.output.mkdir()
        code = _run(tree, target, deadline)
        if code:
            break
    return code


def _run(tree: WorkTree, target: Target, deadline: float) -> int:
    folder, words = tree.command(target)
    _say(f"{target.name}: {' '.join(words)}")
    try:
        process = subprocess.Popen(
            words,
            cwd=folder,
            env=tree.environment(target),
            start_new_session=True,
            preexec_fn=_limit_open_files,
        )
    except OSError as error:
        _say(f"cannot run: {error}")
        return CANNOT_RUN_EXIT_CODE
    return _reap_until(process.pid, deadline)


def _limit_open_files() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES_MAX, hard))


def _reap_until(process_id: int, deadline: float) -> int:
    """As PID 1, reap orphans until the given process ends, and give its exit code."""
    signal.signal(signal.SIGALRM, _on_alarm)
    signal.setitimer(signal.ITIMER_REAL, max(0.01, deadline - time.monotonic()))
    try:
        while True:
            ended, status = os.wait()
            if ended == process_id:
                return os.waitstatus_to_exitcode(status)
    except TimeoutError:
        _say("timeout, the processes are:")
        subprocess.run(["ps", "-eo", "pid,ppid,stat,etime,args"], check=False)
        return TIMEOUT_EXIT_CODE
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _on_alarm(_number: int, _frame: FrameType | None) -> None:
    raise TimeoutError


def _say(text: str) -> None:
    print(f">>> {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
