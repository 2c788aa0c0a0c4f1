"""agent/jobs.py: asynchronous jobs, as async_wrapper keeps them and async_status reads them."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from herder.model.ports import ModuleCall, Session
from tests.support.bundles import bundle_of, call_of, core_bundle
from tests.support.sessions import open_session

SLEEPER = (
    "import os, time\n"
    "from ansible.module_utils.basic import AnsibleModule\n"
    "module = AnsibleModule(argument_spec=dict(seconds=dict(type='float')))\n"
    "time.sleep(module.params['seconds'])\n"
    "module.exit_json(changed=True, pid=os.getpid())\n"
)


def job_of(folder: Path, *, seconds: float, limit: int) -> ModuleCall:
    """Give the call of a job that sleeps."""
    bundle = bundle_of(SLEEPER, name="sleeper", folder=folder)
    call = call_of(bundle, seconds=seconds)
    return replace(call, async_seconds=limit, async_dir=str(folder / "jobs"), job_id="j1")


async def started(session: Session, call: ModuleCall) -> Any:
    """Start a job, give what the agent answered."""
    return json.loads((await session.run_module(call)).stdout)


async def finished(path: str) -> Any:
    """Wait until a job file says that the job is over, give its content."""
    while True:
        content = json.loads(Path(path).read_text())
        if content.get("finished", True):
            return content
        await asyncio.sleep(0.05)


async def status_of(session: Session, job: Any, folder: Path) -> Any:
    """Ask ansible-core's own async_status."""
    arguments = {"jid": job["ansible_job_id"], "_async_dir": str(folder / "jobs")}
    completed = await session.run_module(call_of(core_bundle("async_status"), **arguments))
    return json.loads(completed.stdout)


async def test_job_is_answered_at_once_and_read_by_async_status(tmp_path: Path) -> None:
    """`async` with `poll: 0` and a later async_status must work as with ansible-playbook."""
    async with open_session() as session:
        job = await started(session, job_of(tmp_path, seconds=3, limit=60))
        running = await status_of(session, job, tmp_path)
        await finished(job["results_file"])
        over = await status_of(session, job, tmp_path)

    assert job["ansible_job_id"].startswith("j1.")
    assert (job["started"], job["finished"], running["finished"]) == (True, False, False)
    assert (over["finished"], over["changed"]) == (True, True)


async def test_job_goes_on_when_the_session_is_closed(tmp_path: Path) -> None:
    """That is what a job is for."""
    async with open_session() as session:
        job = await started(session, job_of(tmp_path, seconds=0.7, limit=60))

    assert (await finished(job["results_file"]))["changed"] is True


async def test_job_over_its_time_is_ended_and_says_so(tmp_path: Path) -> None:
    """The time limit belongs to the target, nobody else may be there to keep it."""
    async with open_session() as session:
        job = await started(session, job_of(tmp_path, seconds=60, limit=1))
        result = await finished(job["results_file"])

    assert (result["failed"], result["msg"]) == (True, "Timeout exceeded")
