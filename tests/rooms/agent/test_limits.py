"""agent/children.py: children that print too much, last too long, or leave somebody behind."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest

from herder.errors import OperationFailed, OperationTimedOut
from herder.model.ports import CommandCall
from herder.session.connection import SessionLimits
from tests.support.bundles import bundle_of, call_of
from tests.support.sessions import has_ended, is_alive, open_session

FLOOD = (
    "from ansible.module_utils.basic import AnsibleModule\n"
    "import sys\n"
    "while True: sys.stdout.write('x' * 65536)\n"
)


async def test_module_that_floods_is_ended_with_its_name_and_the_limit(tmp_path: Path) -> None:
    """100 MB of output is an error that names the limit, not a dead run."""
    bundle = bundle_of(FLOOD, name="flood", folder=tmp_path)

    async with open_session(limits=SessionLimits(output_limit_bytes=3_000_000)) as session:
        with pytest.raises(OperationFailed, match=r"flood.*3000000 bytes"):
            await session.run_module(call_of(bundle))
        after = await session.run_command(CommandCall("echo fine"))

    assert after.stdout == b"fine\n"


async def test_large_output_comes_whole() -> None:
    """What is below the limit must not be cut."""
    async with open_session() as session:
        line = "head -c 5000000 /dev/zero; head -c 1000001 /dev/zero >&2; exit 7"
        completed = await session.run_command(CommandCall(line))

    assert (completed.status, len(completed.stdout), len(completed.stderr)) == (
        7,
        5_000_000,
        1_000_001,
    )


async def test_command_over_its_time_is_ended_with_its_children() -> None:
    """`timeout:` ends the whole process group, not only the shell."""
    async with open_session() as session:
        call = CommandCall("sleep 100 & echo $!; wait", timeout_seconds=0.3)
        with pytest.raises(OperationTimedOut, match=r"timed out after 0\.3 s") as caught:
            await session.run_command(call)

    sleeper = int("".join(filter(str.isdigit, caught.value.reason.rpartition("output")[2])))
    assert not is_alive(sleeper)


async def test_daemon_that_keeps_the_pipes_does_not_hang_the_reply() -> None:
    """A service started by hand often inherits standard output and never closes it."""
    async with open_session() as session:
        begin = time.monotonic()
        completed = await session.run_command(CommandCall("setsid sleep 30 & echo $!"))
        seconds = time.monotonic() - begin
        await session.run_command(CommandCall(f"kill {int(completed.stdout)}"))

    assert seconds < 5


async def test_cancelled_call_ends_the_process_on_the_host() -> None:
    """Ctrl-C and a task's timeout must not leave work running on the hosts."""
    async with open_session() as session:
        call = CommandCall("echo $$ > $HOME/pid; exec sleep 100")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await session.run_command(call)
        number = (await session.run_command(CommandCall("cat $HOME/pid"))).stdout

        assert await asyncio.to_thread(has_ended, int(number), 5)


async def test_calls_of_one_session_run_at_the_same_time() -> None:
    """One slow module must not hold up what else is asked of the host."""
    async with open_session() as session:
        begin = time.monotonic()
        calls = [session.run_command(CommandCall("sleep 1")) for _ in range(5)]
        await asyncio.gather(*calls)
        seconds = time.monotonic() - begin

    assert seconds < 4


async def test_missing_shell_is_a_clear_error() -> None:
    """The reason comes from the host, with the name of what is missing."""
    async with open_session() as session:
        call = replace(CommandCall("true"), executable="/nowhere/sh")
        with pytest.raises(OperationFailed, match="No such file or directory: '/nowhere/sh'"):
            await session.run_command(call)
