"""agent/spawning.py: programs start without a copy of their module, where nobody can tell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.bundles import bundle_of, call_of
from tests.support.sessions import open_session

_FORKING = """
import json, os, subprocess, sys
os.umask(0o22)
from ansible.module_utils.basic import AnsibleModule

forks = []
os.register_at_fork(before=lambda: forks.append(1))

def spent(action):
    del forks[:]
    return [action(), len(forks)]

module = AnsibleModule(argument_spec={})
found = dict(
    plain=spent(lambda: module.run_command(["sh", "-c", "umask"])[1]),
    umask=spent(lambda: module.run_command(["sh", "-c", "umask"], umask=0o27)[1]),
    own=spent(lambda: subprocess.run(
        ["sh", "-c", "umask"], stdout=subprocess.PIPE, preexec_fn=lambda: os.umask(0o77)
    ).stdout.decode()),
)
print(json.dumps(found))
sys.exit(0)
"""


async def test_only_a_call_that_gives_a_umask_forks(python: str, tmp_path: Path) -> None:
    """A fork copies each page that is then touched; the umask, and others' functions, must hold."""
    bundle = bundle_of(_FORKING, name="forking", folder=tmp_path)

    async with open_session(python) as session:
        completed = await session.run_module(call_of(bundle))
    if b"Ansible requires Python" in completed.stdout + completed.stderr:
        pytest.skip("this ansible-core does not run on that Python")
    if session.facts.python_version < (3, 9) and b"_datatag" in completed.stderr:
        pytest.skip("this ansible-core does not run on that Python")

    found = json.loads(completed.stdout)
    assert found["plain"] == ["0022\n", 0]
    assert found["umask"] == ["0027\n", 1]
    assert found["own"] == ["0077\n", 1]
