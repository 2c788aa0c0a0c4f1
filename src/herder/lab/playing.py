"""Runs one playbook of an example as a command of its own, and tells what came of it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from herder.lab.passwords import VaultPassword, handed_over

_TASK = re.compile(r"(?:TASK|RUNNING HANDLER) \[(.+)\] \**$")
_RECAP = re.compile(r"(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)")
_END_SECONDS = 10.0
_LINE_LIMIT_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Play:
    """A playbook to run with a command of Herder's, in the folder where it is.

    With `directory`, it is run there: files that its options name are found from there.
    """

    playbook: Path
    options: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    command: str = "playbook"
    passwords: tuple[VaultPassword, ...] = ()
    directory: Path | None = None

    def words(self) -> list[str]:
        """Give the command's words."""
        name = str(self.playbook) if self.directory else self.playbook.name
        herder = [sys.executable, "-m", "herder", self.command, name]
        extra = ["-e", json.dumps(dict(self.variables))] if self.variables else []
        return [*herder, *self.options, *extra]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended. *Shapes*: `lines` is all it printed; `tasks_ok` and `tasks_changed` are
    the sums of the recap over all hosts.
    """

    exit_code: int
    seconds: float
    tasks_ok: int
    tasks_changed: int
    lines: tuple[str, ...] = field(repr=False)


async def play(what: Play, *, on_task: Callable[[str], None]) -> Outcome:
    """Run it to its end, telling the name of each task as it begins.

    When cancelled, the command is ended too: it gets the time to end what runs on its hosts.
    """
    started = time.monotonic()
    with handed_over(what.passwords) as (words, descriptors):
        process = await asyncio.create_subprocess_exec(
            *what.words(),
            *words,
            cwd=what.directory or what.playbook.parent,
            env=run_environment(what),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=_LINE_LIMIT_BYTES,
            pass_fds=descriptors,
            start_new_session=True,  # a Ctrl-C in the terminal reaches it once, through us
        )
    assert process.stdout is not None  # a pipe was asked for
    lines: list[str] = []
    try:
        async for data in process.stdout:
            lines.append(data.decode("utf-8", "replace").rstrip("\n"))
            if task := _TASK.match(lines[-1]):
                on_task(task[1])
        exit_code = await process.wait()
    finally:
        await asyncio.shield(_end(process))
    ok, changed = recap_sums(lines)
    return Outcome(exit_code, time.monotonic() - started, ok, changed, tuple(lines))


def recap_sums(lines: Iterable[str]) -> tuple[int, int]:
    """Give the sums of `ok` and `changed` over the hosts of the recap in these lines."""
    found = [entry for line in lines if (entry := _RECAP.match(line))]
    return sum(int(entry[2]) for entry in found), sum(int(entry[3]) for entry in found)


def last_words(lines: Sequence[str], count: int = 25) -> str:
    """Give the end of what a run printed, for a person who has to find out why it failed."""
    return "\n".join(line for line in lines[-count:] if line)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        async with asyncio.timeout(_END_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()


def run_environment(what: Play) -> dict[str, str]:
    """Give the environment of a run whose output is read here: plain, without colours and cows."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("ANSIBLE_")}
    config = what.playbook.parent / "ansible.cfg"
    plain = {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_NOCOWS": "1", "HERDER_OUTPUT": "plain"}
    source = str(Path(__file__).resolve().parents[2])  # also where Herder is not installed
    return {
        **kept,
        **plain,
        **what.environment,
        "ANSIBLE_CONFIG": str(config),
        "PYTHONPATH": os.pathsep.join(filter(None, (source, os.environ.get("PYTHONPATH")))),
    }
