"""What is asked of every host before anything changes; one host that is not ready stops all.

The playbook may ask for more than the usual through variables: `deploy_runtimes`, `deploy_reach`,
`deploy_commands`, `deploy_need_bytes`, `deploy_need_inodes` (module herder.deploy.release_check).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from herder.model.fleet import Fleet
from herder.release.answers import failure_of, layout, variable_prefix
from herder.release.clocks import CLOCK_LIMIT_SECONDS, Asked, seconds_ahead

MODULE = "herder.deploy.release_check"
ASKED = ("runtimes", "reach", "commands", "need_bytes", "need_inodes")

_LINK = "symlink"

Finding = tuple[str, str]


def find(fleet: Fleet, hosts: Sequence[str]) -> tuple[Finding, ...]:
    """Give what is wrong, host by host; empty when all may begin."""
    arguments = {host: _arguments(fleet, host) for host in hosts}
    began = time.time()
    answers = fleet.ask(MODULE, arguments)
    asked = Asked(began, time.time())
    wanted = {host: _no_way_back(fleet, host) for host in hosts}
    return tuple(
        (host, text)
        for host in hosts
        for text in (*wanted[host], *wrong(answers.get(host, {}), asked))
    )


def _no_way_back(fleet: Fleet, host: str) -> Sequence[str]:
    """A folder that files are copied into while it serves holds two releases, and none before."""
    name = f"{variable_prefix(fleet)}_current_via"
    via = fleet.variable(host, name, _LINK)
    return () if via == _LINK else (f"{name} is {via!r}, expected {_LINK!r}",)


def _arguments(fleet: Fleet, host: str) -> dict[str, object]:
    wishes = {name: fleet.variable(host, f"deploy_{name}") for name in ASKED}
    given = {name: value for name, value in wishes.items() if value is not None}
    return layout(fleet, host) | given


def wrong(answer: Mapping[str, object], asked: Asked) -> Sequence[str]:
    """Give what one host's answer says against a deployment, in sentences."""
    failure = failure_of(answer)
    if failure:
        return (failure,)
    failures = answer.get("failures")
    found = [str(text) for text in failures] if isinstance(failures, list) else []
    ahead = seconds_ahead(float(str(answer.get("epoch") or asked.began)), asked)
    if abs(ahead) > CLOCK_LIMIT_SECONDS:
        limit = f"at most {CLOCK_LIMIT_SECONDS:.0f} s are allowed"
        found.append(f"clock is {ahead:+.1f} s from the controller's, {limit}")
    return found
