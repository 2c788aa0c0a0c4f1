"""Looking after releases: which to remove, which were edited by hand, what to tell of each."""

from __future__ import annotations

import os
import time
from typing import Dict, List, Optional, Set

from ansible_collections.herder.deploy.plugins.module_utils import release_lease as leases
from ansible_collections.herder.deploy.plugins.module_utils import release_log
from ansible_collections.herder.deploy.plugins.module_utils import release_record as records
from ansible_collections.herder.deploy.plugins.module_utils import release_switch as switches
from ansible_collections.herder.deploy.plugins.module_utils import release_tree as trees
from ansible_collections.herder.deploy.plugins.module_utils.release_layout import (
    NAME_PATTERN,
    DeployError,
    Json,
    Layout,
    empty_trash,
    is_plain_directory,
    locked,
    move_away,
    read_json,
)

TOLD_FIELDS = (
    "commit",
    "branch",
    "by",
    "message",
    "started",
    "finished",
    "activated",
    "digest",
    "source_digest",
    "entries",
    "bytes",
    "reason",
    "via",
)


def to_remove(releases: List[Json], keep: int, protected: Set[str]) -> Dict[str, str]:
    """Choose the releases to remove: name -> why. A plain decision, nothing is touched.

    *Shapes*: `releases` as `survey` gives them, oldest first. `keep` counts finished and
    unrecorded ones, 0 keeps all of them; half-built and failed ones, and those that a later one
    overtook before they served, never count and always go, unless they are protected or their
    builder is alive.
    """
    found = {}
    overtaken = _overtaken(releases)
    whole = [each for each in releases if each["state"] in ("finished", "unrecorded")]
    whole = [each for each in whole if each["name"] not in overtaken]
    spare = whole[: max(0, len(whole) - keep)] if keep > 0 else []
    for each in releases:
        name = each["name"]
        if name in protected or each["is_building"]:
            continue
        if each["state"] in ("unfinished", "failed"):
            found[name] = each["state"]
        elif name in overtaken:
            found[name] = "never served"
        elif each in spare:
            found[name] = "more than %d" % keep
    return found


def _overtaken(releases: List[Json]) -> Set[str]:
    """Name those that are older than one that served and did not serve themselves."""
    served = [number for number, each in enumerate(releases) if records.is_proven(each)]
    older = releases[: max(served, default=0)]
    return {each["name"] for each in older if not records.is_proven(each)}


def protected_names(layout: Layout, now: leases.Moment) -> Set[str]:
    """Name the releases that must stay: current, the one before it, and a live lease's own."""
    journal = switches.journal_of(layout) or {}
    lease = leases.holder(layout)
    names = {layout.current_name(), _previous(layout)}
    before = journal.get("from")
    if before and records.state_of(layout, before) != "failed":
        names.add(before)
    if switches.is_pending(journal):
        names.update([before, journal.get("to")])
    if lease is not None and leases.is_live(lease, now):
        names.add(lease.get("release"))
    return {str(name) for name in names if name}


def _previous(layout: Layout) -> Optional[str]:
    found = records.rollback_targets(records.survey(layout), layout.current_name())
    return found[0] if found else None


def clean_up(layout: Layout, keep: int, token: Optional[int], is_check: bool) -> Json:
    """Remove what `to_remove` names; gives `removed` (name -> why) and `kept`."""
    now = leases.this_moment()
    if is_check or not os.path.isdir(layout.private):
        found = to_remove(records.survey(layout), keep, protected_names(layout, now))
        return _told(layout, found)
    with locked(layout.lock):
        leases.check_fence(layout, token, now)
        found = to_remove(records.survey(layout), keep, protected_names(layout, now))
        stay = _remove(layout, found)
        _forget_the_gone(layout)
        switches.sweep(layout)
    told = _told(layout, found)
    stay += empty_trash(layout)
    if stay:
        text = "the user who deploys may not remove %s (another user's files?); it takes up room"
        told["warnings"] = [text % path for path in stay]
    return told


def _remove(layout: Layout, found: Dict[str, str]) -> List[str]:
    """Remove releases; gives the paths of those that stay, which nobody may go back to then."""
    stay = []
    for name in list(found):
        try:
            move_away(layout, layout.release(name))
            records.forget(layout, name)
        except DeployError as error:
            records.fail(layout, name, error.message, time.time())
            stay.append(layout.release(name))
            del found[name]
    return stay


def _forget_the_gone(layout: Layout) -> None:
    """Drop the records of releases that have neither directory nor marker any more."""
    for file_name in os.listdir(os.path.dirname(layout.record("x"))):
        name = file_name.rsplit(".", 1)[0]
        if NAME_PATTERN.match(name) and records.state_of(layout, name) == "missing":
            records.forget(layout, name)


def _told(layout: Layout, found: Dict[str, str]) -> Json:
    kept = [each["name"] for each in records.survey(layout) if each["name"] not in found]
    return {"changed": bool(found), "removed": found, "kept": kept}


def hand_edits(layout: Layout, name: str, check: str) -> Optional[Json]:
    """Say how a release differs from what it was when finished; None when nobody knows.

    *Shapes*: `check` is 'quick' (size, time, mode) or 'full' (contents too).
    """
    listing = records.load_listing(layout, name)
    if not listing or not is_plain_directory(layout.release(name)):
        return None
    ignore = (read_json(layout.record(name)) or {}).get("ignore") or []
    seen = trees.scan(layout.release(name), ignore, hashed=check == "full")
    return trees.shown(trees.differences(listing, seen))


def is_edited(edits: Optional[Json]) -> Optional[bool]:
    """Tell whether the edits are any; None when unknown."""
    return None if edits is None else any(edits["counts"].values())


def describe_releases(layout: Layout, check: str = "none") -> List[Json]:
    """Tell of every release, oldest first; `check` as in `hand_edits`, or 'none'."""
    releases = records.survey(layout)
    current = layout.current_name()
    previous = _previous(layout)
    return [_described(layout, each, (current, previous, check)) for each in releases]


def _described(layout: Layout, release: Json, seen: object) -> Json:
    current, previous, check = seen  # type: ignore[misc]  # the triple made above
    name = release["name"]
    told = {field: release["record"].get(field) for field in TOLD_FIELDS}
    told.update(
        name=name,
        state=release["state"],
        is_current=name == current,
        is_previous=name == previous,
        is_usable=records.is_usable(release),
        commit=records.commit_of(layout, name),
    )
    if check != "none" and release["state"] == "finished":
        edits = hand_edits(layout, name, check)
        told.update(is_edited=is_edited(edits), edits=edits)
    return told


def is_intact(layout: Layout, name: str) -> Optional[str]:
    """Say what is wrong with a release that shall serve; None when nothing is.

    A file that is gone makes it unfit; a hand edit does not.
    """
    state = records.state_of(layout, name)
    record = read_json(layout.record(name)) or {}
    if not records.is_usable({"state": state, "record": record}):
        return "release %s is %s" % (name, state)
    edits = hand_edits(layout, name, "quick")
    if edits and edits["counts"]["removed"]:
        paths = ", ".join(edits["removed"][:3])
        return "release %s lacks %d of its files (%s)" % (name, edits["counts"]["removed"], paths)
    return None


def tell(layout: Layout, check: str, log_lines: int) -> Json:
    """Give the whole picture of an application on this host, for `release_info`."""
    now = leases.this_moment()
    current = layout.current_name()
    journal = switches.journal_of(layout)
    return {
        "changed": False,
        "deploy_to": layout.root,
        "exists": os.path.isdir(layout.root),
        "current": current,
        "current_link": layout.current_text(),
        "outside": layout.outside(),
        "is_dangling": layout.current_text() is not None and not os.path.isdir(layout.current),
        "previous": _previous(layout),
        "rollback_targets": intact_targets(layout, current),
        "usable": usable_names(layout),
        "releases": describe_releases(layout, check),
        "lease": leases.described(leases.holder(layout), now),
        "token": leases.stored_token(layout),
        "switch": journal,
        "is_pending": switches.is_pending(journal),
        "is_overdue": switches.is_overdue(journal, now),
        "log": release_log.read(layout, log_lines),
        "epoch": time.time(),
    }


def intact_targets(layout: Layout, current: Optional[str]) -> List[str]:
    """Name the releases one may go back to, best first, without those that lack files."""
    names = records.rollback_targets(records.survey(layout), current)
    return [name for name in names if is_intact(layout, name) is None]


def usable_names(layout: Layout) -> List[str]:
    """Name all intact releases that could serve, newest first, the current one too."""
    names = [each["name"] for each in reversed(records.survey(layout))]
    return [name for name in names if is_intact(layout, name) is None]


def pick_target(layout: Layout, wanted: str) -> str:
    """Give the release to go back to: the wanted one, or the best; refuses when there is none.

    *Raises*: DeployError `no-target`, `release-unusable`.
    """
    current = layout.current_name()
    if wanted:
        wrong = is_intact(layout, wanted)
        if wrong:
            raise DeployError("release-unusable", wrong)
        return wanted
    targets = intact_targets(layout, current)
    if not targets:
        text = "there is no intact release older than %s to go back to" % (current or "none")
        raise DeployError("no-target", text)
    return targets[0]
