"""A module in the agent's child gives what the same module gives in AnsiballZ's own wrapper."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.bundles import call_of, core_bundle, wrapper_program
from tests.support.sessions import open_session

CASES: list[tuple[str, dict[str, Any]]] = [
    ("stat", {"path": "/etc/passwd"}),
    ("file", {"path": "/nonexistent/x", "state": "file"}),
    ("command", {"_raw_params": "echo $0; exit 3", "_uses_shell": True}),
    ("find", {"paths": "/etc/ssh"}),
    ("slurp", {"src": "/etc/hostname"}),
    ("getent", {"database": "passwd", "key": "root"}),
    ("user", {"name": "herdertest", "_ansible_check_mode": True}),
    ("uri", {"url": "http://127.0.0.1:1/"}),
    ("lineinfile", {"path": "/etc/hosts", "line": "x", "_ansible_check_mode": True}),
    ("wait_for", {"path": "/etc/passwd"}),
    ("setup", {"gather_subset": ["!all", "distribution", "user", "pkg_mgr", "service_mgr"]}),
    ("setup", {"gather_subset": ["!all", "platform", "lsb", "caps", "cmdline", "dns"]}),
    ("ping", {"data": "crash"}),
    ("ping", {"unknown": "argument"}),
]
VOLATILE = {"start", "end", "delta", "elapsed", "ansible_env", "ansible_date_time"}


def steady(value: Any) -> Any:
    """Give a result without what changes from one moment to the next."""
    if isinstance(value, dict):
        return {key: steady(each) for key, each in value.items() if key not in VOLATILE}
    return [steady(each) for each in value] if isinstance(value, list) else value


@pytest.mark.slow
@pytest.mark.parametrize(("name", "arguments"), CASES, ids=lambda each: str(each)[:30])
async def test_module_gives_what_it_gives_under_ansible(
    name: str, arguments: dict[str, Any]
) -> None:
    """Result, traceback words and exit status: a difference is a bug of ours."""
    async with open_session() as session:
        ours = await session.run_module(call_of(core_bundle(name), **arguments))
        python = session.facts.python
    theirs = await asyncio.to_thread(
        subprocess.run,
        [python, "-"],
        input=wrapper_program(name, arguments),
        capture_output=True,
        check=False,
        cwd=Path.cwd(),
    )

    assert ours.status == theirs.returncode
    assert steady(json.loads(ours.stdout)) == steady(json.loads(theirs.stdout))
