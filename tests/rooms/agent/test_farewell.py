"""agent/server.py: whatever ends the conversation, nothing of it stays on the target."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from herder.errors import HostUnreachable
from herder.model.ports import CommandCall
from herder.session.connection import SessionLimits
from tests.support.sessions import has_ended, open_session

CONTROLLER = """
import asyncio, sys
from herder.model.ports import CommandCall
from tests.support.sessions import open_session

async def main():
    async with open_session(sys.argv[1]) as session:
        print(session.facts.process_id, flush=True)
        await session.run_command(CommandCall("echo $$ > " + sys.argv[2] + "; exec sleep 100"))

asyncio.run(main())
"""


def wait_for(path: Path) -> int:
    """Give the process id a file will hold."""
    while not path.exists() or not path.read_text().strip():
        time.sleep(0.02)
    return int(path.read_text())


def test_killed_controller_leaves_no_process(python: str, tmp_path: Path) -> None:
    """A closed laptop or kill -9 must not leave agents and half-done work on a fleet."""
    mark = tmp_path / "pid"
    root = Path(__file__).parents[3]
    environment = dict(os.environ, PYTHONPATH=f"{root}:{root / 'src'}")
    arguments = [sys.executable, "-c", CONTROLLER, python, str(mark)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, env=environment) as controller:
        assert controller.stdout is not None
        agent = int(controller.stdout.readline())
        sleeper = wait_for(mark)
        controller.send_signal(signal.SIGKILL)

    assert has_ended(agent, 5)
    assert has_ended(sleeper, 5)


async def test_killed_agent_is_an_unreachable_host(tmp_path: Path) -> None:
    """A connection that dies in the middle of a task is said so, at once."""
    async with open_session() as session:
        pending = asyncio.ensure_future(session.run_command(CommandCall("sleep 100")))
        await asyncio.sleep(0.2)
        os.kill(session.facts.process_id, signal.SIGKILL)

        with pytest.raises(HostUnreachable):
            await asyncio.wait_for(pending, 3)
        with pytest.raises(HostUnreachable):
            await session.stat("/", follow=True, checksum=False)


async def test_silent_controller_is_left_by_its_agent() -> None:
    """A link that died without a word must not keep an agent for ever."""
    limits = SessionLimits(keepalive_seconds=100, silence_seconds=1)
    async with open_session(limits=limits) as session:
        agent = session.facts.process_id

        gone = await asyncio.to_thread(has_ended, agent, 10)

    assert gone


async def test_kept_alive_agent_stays() -> None:
    """The keepalive is what tells a quiet controller from a dead one."""
    limits = SessionLimits(keepalive_seconds=0.3, silence_seconds=1)
    async with open_session(limits=limits) as session:
        await asyncio.sleep(2.5)

        assert (await session.run_command(CommandCall("echo here"))).stdout == b"here\n"


async def test_child_that_ignores_sigterm_is_killed_in_the_end(tmp_path: Path) -> None:
    """Some programs do not listen; the target must be clean all the same."""
    mark = tmp_path / "pid"
    async with open_session() as session:
        line = f"trap '' TERM; echo $$ > {mark}; while :; do sleep 0.1; done"
        pending = asyncio.ensure_future(session.run_command(CommandCall(line)))
        stubborn = await asyncio.to_thread(wait_for, mark)
        pending.cancel()

    assert has_ended(stubborn, 6)
