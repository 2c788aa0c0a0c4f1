"""Which release serves: one rename of a link, written down before, and taken back by one rename.

States of the journal (switch.json):
- `prepared`: what will be done is on disk, the link was not renamed yet or we died right after.
- `switched`: the link was renamed; with a guard, the change waits for its confirmation.
- `confirmed`, `reverted`: over.

Laws: the journal names the way back before the link changes; the link for the way back is made
before as well, so going back needs no disk space; the link itself says the truth, so after a
crash `prepared` is read together with it; every change is made under the host's lock and only
with a number that is not too old.
"""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from typing import Callable, List, Optional

from ansible_collections.herder.deploy.plugins.module_utils import release_lease as leases
from ansible_collections.herder.deploy.plugins.module_utils import release_record as records
from ansible_collections.herder.deploy.plugins.module_utils.release_layout import (
    DeployError,
    Json,
    Layout,
    flush_directory,
    is_plain_directory,
    locked,
    read_json,
    write_json,
)

OPEN_STATES = ("prepared", "switched")
HERE_STATES = ("switched", "confirmed")


def journal_of(layout: Layout) -> Optional[Json]:
    """Read the last switch; its state is made true by what the link says."""
    journal = read_json(layout.journal)
    if journal is not None and journal.get("state") in OPEN_STATES:
        is_there = layout.current_text() == journal.get("to_link")
        gone = {"prepared": "abandoned", "switched": "reverted"}
        journal["state"] = "switched" if is_there else gone[journal["state"]]
    return journal


def is_pending(journal: Optional[Json]) -> bool:
    """Tell whether a guarded switch still waits for its confirmation."""
    return bool(journal and journal["state"] == "switched" and journal.get("deadline"))


def check_target(layout: Layout, name: str, expect_digest: str = "") -> None:
    """Refuse a release that must not serve, and a current that is no link.

    *Raises*: DeployError `release-missing`, `release-unusable`, `digest-differs`, `not-a-link`.
    """
    state = records.state_of(layout, name)
    if state == "missing":
        raise DeployError("release-missing", "release %s is not on this host" % name)
    record = read_json(layout.record(name)) or {}
    if not records.is_usable({"state": state, "record": record}):
        text = "release %s is %s, expected a finished one" % (name, state)
        raise DeployError("release-unusable", text, state=state)
    if expect_digest and record.get("digest") != expect_digest:
        text = "release %s has digest %s, expected %s" % (name, record.get("digest"), expect_digest)
        raise DeployError("digest-differs", text)
    check_current(layout)


def check_current(layout: Layout) -> None:
    """Refuse to put a link where a real file or directory is."""
    if os.path.lexists(layout.current) and not os.path.islink(layout.current):
        raise DeployError(
            "not-a-link",
            "%s is a real file or directory, expected a link; move it away first" % layout.current,
        )


def switch(layout: Layout, name: str, token: Optional[int], order: Json) -> Json:
    """Make a release the current one; gives the journal.

    *Shapes*: `order` may have expect_digest, guard_seconds, guard_rule ('revert' or 'keep'),
    guard_command (list of words) and by. Switching to the release that serves already changes
    nothing and says so by `changed`; the journal is then that of the switch that led there.
    *Then*: with guard_seconds, start the guard and later `confirm` or `revert`.
    """
    layout.prepare()
    with locked(layout.lock):
        leases.check_fence(layout, token, leases.this_moment())
        settle(layout)
        check_target(layout, name, str(order.get("expect_digest") or ""))
        journal = _new_journal(layout, name, token, order)
        if journal["from_link"] == journal["to_link"]:
            return dict(_switch_to_here(layout, journal), changed=False)
        sweep(layout)
        change = _change_back if _leads_back(layout, journal) else _change
        change(layout, journal)
    return dict(journal, changed=True)


def _switch_to_here(layout: Layout, journal: Json) -> Json:
    """Give the switch that led to what serves, which may wait for its confirmation still.

    Where none did (a link changed by hand), there is nothing to confirm, and no name of a switch.
    """
    last = journal_of(layout)
    if last is not None and last["to"] == journal["to"] and last["state"] in HERE_STATES:
        return last
    return dict(journal, id="", state="confirmed", deadline=0.0)


def _change(layout: Layout, journal: Json) -> None:
    remember_server(layout, journal["from"])
    _place_undo(layout, journal)
    _give_up_on(layout, journal_of(layout))
    write_json(layout.journal, journal)
    replace_link(layout, journal["to_link"])
    journal["state"] = "switched" if journal["deadline"] else "confirmed"
    _note(layout, journal)
    records.note_activation(layout, journal["to"], journal["at"])


def _leads_back(layout: Layout, journal: Json) -> bool:
    """Tell whether this is the way back, for which the last switch made the link."""
    return not journal["deadline"] and _link_text(layout.undo_link) == journal["to_link"]


def _change_back(layout: Layout, journal: Json) -> None:
    """Go back by the link that is there; a disk that is full by now must not stop that."""
    _as_far_as_there_is_room(
        lambda: remember_server(layout, journal["from"]),
        lambda: _give_up_on(layout, journal_of(layout)),
        lambda: write_json(layout.journal, journal),
    )
    _go_back(layout, journal["to_link"])
    journal["state"] = "confirmed"
    _as_far_as_there_is_room(
        lambda: _place_undo(layout, journal),
        lambda: write_json(layout.journal, journal),
        lambda: records.note_activation(layout, journal["to"], journal["at"]),
    )


def _as_far_as_there_is_room(*notes: Callable[[], object]) -> None:
    for note in notes:
        with contextlib.suppress(OSError):
            note()


def _give_up_on(layout: Layout, journal: Optional[Json]) -> None:
    """A switch that nobody confirmed (its deployment was killed) proves nothing of its release."""
    if journal is not None and is_pending(journal):
        records.take_activation_back(layout, journal["to"], journal["at"])


def _new_journal(layout: Layout, name: str, token: Optional[int], order: Json) -> Json:
    now = leases.this_moment()
    seconds = float(order.get("guard_seconds") or 0.0)
    return {
        "id": uuid.uuid4().hex,
        "state": "prepared",
        "from": layout.current_name(),
        "from_link": layout.current_text(),
        "to": name,
        "to_link": layout.link_text(name),
        "token": token or 0,
        "at": now.wall,
        "by": order.get("by") or "",
        "deadline": now.wall + seconds if seconds else 0.0,
        "deadline_boot": now.boot + seconds if seconds else 0.0,
        "boot_id": now.boot_id,
        "rule": order.get("guard_rule") or "revert",
        "command": list(order.get("guard_command") or []),
    }


def remember_server(layout: Layout, name: Optional[str]) -> None:
    """Take note that a release we did not switch to is serving, so that one may go back to it.

    What served last by our notes and does no more was left: one does not go back to that.
    """
    if not name or records.state_of(layout, name) not in ("unrecorded", "finished"):
        return
    if records.last_activated(layout) != name:
        records.note_activation(layout, name, time.time())


def _place_undo(layout: Layout, journal: Json) -> None:
    """Make the link of the way back now, while there is room for it."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(layout.undo_link)
    if journal["from_link"] is not None:
        os.symlink(journal["from_link"], layout.undo_link)


def replace_link(layout: Layout, text: str) -> None:
    """Point the current link elsewhere by one rename of a link with a name of its own."""
    temporary = layout.new_link + uuid.uuid4().hex
    os.symlink(text, temporary)
    try:
        os.rename(temporary, layout.current)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    flush_directory(os.path.dirname(layout.current))


def sweep(layout: Layout) -> List[str]:
    """Remove temporary links that crashed switches left: ours, and a link among the releases."""
    beside, prefix = os.path.split(layout.new_link)
    found = [os.path.join(beside, each) for each in _names(beside, prefix)]
    found += [os.path.join(layout.releases, each) for each in _names(layout.releases, "")]
    stray = [path for path in found if os.path.islink(path)]
    for path in stray:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    return stray


def _names(directory: str, prefix: str) -> List[str]:
    try:
        return [each for each in os.listdir(directory) if each.startswith(prefix)]
    except FileNotFoundError:
        return []


def _note(layout: Layout, journal: Json) -> None:
    """Write the journal's new state; a full disk must not undo what was done, the link is true."""
    with contextlib.suppress(OSError):
        write_json(layout.journal, journal)


def confirm(layout: Layout, token: Optional[int], switch_id: str = "") -> Json:
    """Make a switch final; the guard then does nothing.

    *Raises*: DeployError `nothing-to-confirm` when the switch was reverted or is another one.
    """
    with locked(layout.lock):
        leases.check_fence(layout, token, leases.this_moment())
        journal = _matching(layout, switch_id, ("switched", "confirmed"), "nothing-to-confirm")
        if journal["state"] == "confirmed":
            return dict(journal, changed=False)
        journal["state"] = "confirmed"
        write_json(layout.journal, journal)
        return dict(journal, changed=True)


def revert(
    layout: Layout, token: Optional[int], switch_id: str = "", why: str = "", release: str = ""
) -> Json:
    """Give the host back the release it had before the last switch.

    A confirmed switch can be reverted too, as long as it was the last one. Reverting what was
    reverted already, or never done, changes nothing; nor does reverting a switch to another
    release than the one named, because then the host never came so far.
    *Raises*: DeployError `nothing-to-revert`, or that the release it had is gone.
    """
    with locked(layout.lock):
        leases.check_fence(layout, token, leases.this_moment())
        states = ("switched", "confirmed", "reverted", "abandoned")
        if release and (journal_of(layout) or {}).get("to") != release:
            return {"state": "abandoned", "to": release, "from": None, "changed": False}
        journal = _matching(layout, switch_id, states, "nothing-to-revert")
        if journal["state"] in ("reverted", "abandoned"):
            return dict(journal, changed=False)
        return dict(undo(layout, journal, why), changed=True)


def _matching(layout: Layout, switch_id: str, states: object, reference: str) -> Json:
    journal = journal_of(layout)
    seen = "no switch" if journal is None else "switch %s, %s" % (journal["id"], journal["state"])
    if journal is None or journal["state"] not in states:  # type: ignore[operator]  # a tuple of str
        raise DeployError(reference, "the host has %s" % seen)
    if switch_id and journal["id"] != switch_id:
        raise DeployError(reference, "the host has %s, asked for %s" % (seen, switch_id))
    return journal


def undo(layout: Layout, journal: Json, why: str) -> Json:
    """Rename the link back; call it under the lock. The release that is left becomes failed."""
    if layout.current_text() == journal["to_link"]:
        _check_way_back(layout, journal)
        _go_back(layout, journal["from_link"])
        records.fail(layout, journal["to"], why or "taken back", time.time())
    journal.update(state="reverted", reverted=time.time(), why=why)
    _note(layout, journal)
    return journal


def _check_way_back(layout: Layout, journal: Json) -> None:
    if not _has_way_back(layout, journal):
        where = "release %s" % journal["from"] if journal["from"] else journal["from_link"]
        text = "%s, to go back to, is not on this host" % where
        raise DeployError("release-missing", text)


def _has_way_back(layout: Layout, journal: Json) -> bool:
    name, text = journal.get("from"), journal.get("from_link")
    if name:
        return is_plain_directory(layout.release(name))
    return text is None or os.path.isdir(os.path.join(os.path.dirname(layout.current), text))


def _go_back(layout: Layout, text: Optional[str]) -> None:
    if text is None:
        os.unlink(layout.current)
        return
    if _link_text(layout.undo_link) == text:
        os.rename(layout.undo_link, layout.current)
        flush_directory(os.path.dirname(layout.current))
    else:
        replace_link(layout, text)


def _link_text(path: str) -> Optional[str]:
    try:
        return os.readlink(path)
    except OSError:
        return None


def is_overdue(journal: Optional[Json], now: leases.Moment) -> bool:
    """Tell whether a guarded switch was not confirmed in time."""
    if journal is None or not is_pending(journal):
        return False
    if now.boot_id and journal.get("boot_id") == now.boot_id:
        return now.boot >= float(journal["deadline_boot"])
    return now.wall >= float(journal["deadline"])


def settle(layout: Layout) -> Optional[Json]:
    """Carry out the agreed rule of an overdue switch whose guard did not live; under the lock.

    Where the release to go back to is gone, the new one is kept: refusing would stop every later
    deployment. Gives the journal when something was done, else None.
    """
    journal = journal_of(layout)
    if journal is None or not is_overdue(journal, leases.this_moment()):
        return None
    if journal["rule"] == "keep" or not _has_way_back(layout, journal):
        journal["state"] = "confirmed"
        _note(layout, journal)
        return journal
    return undo(layout, journal, "not confirmed in time")
