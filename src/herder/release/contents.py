"""What hosts staged, held against each other: nothing switches unless all hold the same.

And what of it, and of what was there before, is removed at the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from herder.model.fleet import Fleet
from herder.release.answers import INFO_MODULE, ask_same, layout, look_at, tell_failures

SHOWN_FILES = 5
# What the digest is made of; times differ between hosts by right.
CONTENT = ("type", "mode", "digest", "target")


@dataclass(frozen=True, slots=True)
class StagedTree:
    """One host's staged release; `digest` is over paths, modes, contents and link targets."""

    digest: str
    commit: str
    failure: str = ""


def staged_on(fleet: Fleet, hosts: Sequence[str], release: str) -> dict[str, StagedTree]:
    """Ask each host for the digest of its finished release."""
    trees = {}
    for host, seen in look_at(fleet, hosts).items():
        record = seen.release(release) or {}
        is_finished = record.get("state") == "finished"
        failure = seen.failure or ("" if is_finished else "the release is not finished there")
        digest, commit = str(record.get("digest") or ""), str(record.get("commit") or "")
        trees[host] = StagedTree(digest, commit, failure)
    return trees


def differences(
    fleet: Fleet, staged: Mapping[str, StagedTree], release: str
) -> tuple[tuple[str, str], ...]:
    """Give a line for each host whose tree is not that of most; empty when all are the same."""
    broken = [(host, tree.failure) for host, tree in staged.items() if tree.failure]
    if broken:
        return tuple(broken)
    counts = Counter(tree.digest for tree in staged.values())
    if len(counts) < 2:
        return ()
    usual = counts.most_common(1)[0][0]
    model = next(host for host, tree in staged.items() if tree.digest == usual)
    odd = [host for host, tree in staged.items() if tree.digest != usual]
    listings = _listings(fleet, [model, *odd], release)
    return tuple(
        (host, f"differs from {model}: {_named(listings[model], listings[host])}") for host in odd
    )


def _listings(fleet: Fleet, hosts: Sequence[str], release: str) -> dict[str, dict[str, object]]:
    answers = ask_same(fleet, hosts, INFO_MODULE, {"listing_of": release})
    return {host: _by_path(answers.get(host, {}).get("listing")) for host in hosts}


def _by_path(listing: object) -> dict[str, object]:
    entries = listing if isinstance(listing, list) else []
    return {
        str(entry.get("path")): tuple(entry.get(field) for field in CONTENT)
        for entry in entries
        if isinstance(entry, Mapping)
    }


def _named(model: Mapping[str, object], other: Mapping[str, object]) -> str:
    paths = sorted(path for path in {*model, *other} if model.get(path) != other.get(path))
    rest = f" and {len(paths) - SHOWN_FILES} more" if len(paths) > SHOWN_FILES else ""
    return ", ".join(paths[:SHOWN_FILES]) + rest


def abandon(fleet: Fleet, hosts: Sequence[str], release: str, token: int) -> None:
    """Remove a release that will not be switched to; what is in use is never touched."""
    words = {"release": release, "result": "failed", "token": token, "end_lease": False}
    answers = ask_same(fleet, hosts, "herder.deploy.release_finish", words)
    tell_failures(fleet, answers, "the staged release could not be removed")


def clean_up(fleet: Fleet, hosts: Sequence[str], token: int) -> None:
    """Remove old releases in the role's place, when all hosts have the new one.

    The role does it on each host at once, and would take away what that host goes back to, now or
    by a rollback after a deployment that was taken back.
    """
    orders = {
        host: layout(fleet, host)
        | {"keep_releases": fleet.values(host).keep_releases, "token": token}
        for host in hosts
    }
    answers = fleet.ask("herder.deploy.release_cleanup", orders)
    tell_failures(fleet, answers, "old releases could not be removed")
    for host, answer in answers.items():
        warnings = answer.get("warnings")
        for text in warnings if isinstance(warnings, list) else []:
            fleet.tell(f"{host}: {text}")
