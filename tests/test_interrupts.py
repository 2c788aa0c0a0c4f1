"""Signals that end a command as Ctrl-C does."""

from __future__ import annotations

import asyncio
import signal

import pytest

from herder.interrupts import ended_as_by_a_key


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_command_as_ctrl_c_does(number: signal.Signals) -> None:
    """A cancelled job gets to its clean-up."""
    with pytest.raises(KeyboardInterrupt), ended_as_by_a_key():
        signal.raise_signal(number)

    assert signal.getsignal(number) is signal.SIG_DFL


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_what_an_event_loop_is_about_is_not_torn(number: signal.Signals) -> None:
    """A demo hung for ever when the signal came while asyncio was starting a process for it."""
    done = []

    async def helper() -> None:
        signal.raise_signal(number)
        await asyncio.sleep(0)
        done.append("helper")

    async def command() -> None:
        helping = asyncio.create_task(helper())
        try:
            await asyncio.Event().wait()
        finally:
            await helping
            done.append("command")

    with pytest.raises(KeyboardInterrupt), ended_as_by_a_key():
        asyncio.run(command())

    assert done == ["helper", "command"]


def test_a_job_that_ignores_ctrl_c_is_ended_too() -> None:
    """So a shell starts its jobs in the background."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with pytest.raises(KeyboardInterrupt), ended_as_by_a_key():
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGINT, before)
