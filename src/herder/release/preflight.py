"""What is asked of every host before anything changes; one host that is not ready stops all.

The playbook may ask for more than the usual through variables: `deploy_runtimes`, `deploy_reach`,
`deploy_commands`, `deploy_need_bytes`, `deploy_need_inodes` (module herder.deploy.release_check).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from herder.model.fleet import Fleet
from herder.release.answers import failure_of, layout

MODULE = "herder.deploy.release_check"
ASKED = ("runtimes", "reach", "commands", "need_bytes", "need_inodes")

Finding = tuple[str, str]


def find(fleet: Fleet, hosts: Sequence[str]) -> tuple[Finding, ...]:
    """Give what is wrong, host by host; empty when all may begin."""
    arguments = {host: _arguments(fleet, host) for host in hosts}
    answers = fleet.ask(MODULE, arguments)
    return tuple((host, text) for host in hosts for text in _wrong(answers.get(host, {})))


def _arguments(fleet: Fleet, host: str) -> dict[str, object]:
    wishes = {name: fleet.variable(host, f"deploy_{name}") for name in ASKED}
    given = {name: value for name, value in wishes.items() if value is not None}
    return layout(fleet, host) | given | {"controller_epoch": time.time()}


def _wrong(answer: Mapping[str, object]) -> Sequence[str]:
    failure = failure_of(answer)
    if failure:
        return (failure,)
    failures = answer.get("failures")
    return [str(text) for text in failures] if isinstance(failures, list) else ()
