"""What the Ansistrano role does not do by itself: one commit, marks while building, a digest.

It does not tell a release that was never finished from others either, so what a killed deployment
left is removed before the next one builds. And it builds over what has the release's name, though
visitors may be served from there: that is refused, unless it is of the same commit.

*Source*: ansistrano.deploy defaults/main.yml (names of variables), tasks/update-code/git.yml.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from herder.errors import DeploymentRefused
from herder.model.fleet import Fleet
from herder.model.releases import COMMIT_DIGITS, SHOWN_DIGITS
from herder.release.answers import (
    STAGE_MODULE,
    ask_same,
    failure_of,
    git_access,
    layout,
    look_at,
    tell_failures,
)

_CLEAN_UP_MODULE = "herder.deploy.release_cleanup"


def begin(fleet: Fleet, hosts: Sequence[str], release: str, token: int, *, by: str = "") -> None:
    """Fix the commit behind the branch, and mark the release as being built on every host.

    *Raises*: DeploymentRefused when the repository cannot be asked, a host has another release of
    this name, or cannot be marked.
    """
    commit = ""
    if fleet.variable(hosts[0], "ansistrano_deploy_via") == "git":
        _require_one_branch(fleet, hosts)
        fixed = fleet.variable(hosts[0], "deploy_git_commit")
        commit = str(fixed or _commit(fleet, hosts[0]))
        fleet.fix({"ansistrano_git_branch": commit})
    _require_free_name(fleet, hosts, release, commit)
    _remove_unfinished(fleet, hosts, token)
    words = {"release": release, "token": token, "by": by}
    _require_all(fleet, hosts, words | {"steps": ["setup", "begin"]})


def _require_free_name(fleet: Fleet, hosts: Sequence[str], release: str, commit: str) -> None:
    taken = []
    for host, seen in look_at(fleet, hosts).items():
        record = seen.release(release) or {}
        has = str(record.get("commit") or "")
        if record.get("state") in ("finished", "unrecorded") and not (commit and has == commit):
            of = f" of commit {has[:SHOWN_DIGITS]}" if len(has) == COMMIT_DIGITS else ""
            taken.append((host, f"has a release {release}{of}"))
    if taken:
        raise DeploymentRefused(
            f"release {release} is there already; nothing was changed",
            tuple(taken),
            hint="give the new one another name",
        )


def _remove_unfinished(fleet: Fleet, hosts: Sequence[str], token: int) -> None:
    words = {"keep_releases": 0, "token": token}
    answers = ask_same(fleet, hosts, _CLEAN_UP_MODULE, words)
    tell_failures(fleet, answers, "half-built releases could not be removed")


def _require_one_branch(fleet: Fleet, hosts: Sequence[str]) -> None:
    branches = {host: _branch(fleet, host) for host in hosts}
    if len(set(branches.values())) > 1:
        what = tuple((host, f"is to get {branch!r}") for host, branch in branches.items())
        raise DeploymentRefused("a deployment is of one branch", what)


def _branch(fleet: Fleet, host: str) -> str:
    return str(fleet.variable(host, "ansistrano_git_branch", "master"))


def _commit(fleet: Fleet, host: str) -> str:
    source = {"repo": fleet.variable(host, "ansistrano_git_repo"), "version": _branch(fleet, host)}
    words: dict[str, object] = {"steps": ["resolve"], "via": "git"}
    words |= {"git": source | git_access(fleet, host)}
    words |= {"repo_dir": fleet.variable(host, "ansistrano_repo_dir", "repo")}
    answer = fleet.ask(STAGE_MODULE, {host: layout(fleet, host) | words})[host]
    if failure := failure_of(answer):
        raise DeploymentRefused("the branch could not be resolved", ((host, failure),))
    return str(answer["commit"])


def seal(fleet: Fleet, hosts: Sequence[str], release: str, token: int) -> None:
    """Take the digest of what the role built, and mark it as finished."""
    _require_all(fleet, hosts, {"release": release, "token": token, "steps": ["seal"]})


def _require_all(fleet: Fleet, hosts: Sequence[str], words: Mapping[str, object]) -> None:
    words = {"via": "none", **words}
    answers = ask_same(fleet, hosts, STAGE_MODULE, words)
    wrong = tuple((host, text) for host in hosts if (text := failure_of(answers.get(host, {}))))
    if wrong:
        raise DeploymentRefused("the release could not be prepared", wrong)
