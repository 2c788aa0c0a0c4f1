"""What a host knows of its releases: who built what, when, how far it got, which one serves.

States of a release:
- `unfinished`: its marker is there; being built, or its builder was killed.
- `finished`: sealed with a digest; the state that may be switched to.
- `failed`: given up while being built, or taken back after it had been switched to.
- `unrecorded`: a directory that something else made (Ansistrano, a person); chosen only if it was
  seen serving.

Laws: the marker is written before the directory is made and removed after the record says
`finished`, so no moment of a kill leaves a half release that looks whole. The order of releases
is the order of their sealing, never that of their names or of directory times.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import Any, Dict, List, Optional

from ansible_collections.herder.deploy.plugins.module_utils.release_layout import (
    NAME_PATTERN,
    Json,
    Layout,
    is_locked,
    is_plain_directory,
    read_json,
    real_directories,
    write_json,
    write_text,
)


def state_of(layout: Layout, name: str) -> str:
    """Give the state of one release; `missing` when neither directory nor marker is there."""
    if os.path.exists(layout.marker(name)):
        return "unfinished"
    if not is_plain_directory(layout.release(name)):
        return "missing"
    record = read_json(layout.record(name))
    return str(record.get("state", "unrecorded")) if record else "unrecorded"


def begin(layout: Layout, name: str, facts: Json, now: float) -> None:
    """Mark a release as being built; must come before its directory is made."""
    layout.prepare()
    started = dict(facts, name=name, started=now)
    write_json(layout.marker(name), started)
    write_json(layout.record(name), dict(started, state="unfinished"))


def amend(layout: Layout, name: str, **facts: Any) -> Json:
    """Add facts to a release's record and give the whole record."""
    record = dict(read_json(layout.record(name)) or {"name": name}, **facts)
    write_json(layout.record(name), record)
    return record


def seal(layout: Layout, name: str, listing: List[Json], facts: Json, now: float) -> Json:
    """Make a release finished: listing, then record, then the marker goes."""
    lines = "".join(json.dumps(each, sort_keys=True) + "\n" for each in listing)
    write_text(layout.listing(name), lines)
    newest = max([each["order"] for each in survey(layout) if each["name"] != name], default=0.0)
    after = max(now, newest + 0.001)
    record = amend(layout, name, state="finished", finished=after, **facts)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(layout.marker(name))
    return record


def fail(layout: Layout, name: str, reason: str, now: float) -> None:
    """Record that a release is not to be used; works as well as it can on a full disk.

    Without a record of it, the marker says so as long as there is a directory.
    """
    try:
        amend(layout, name, state="failed", failed=now, reason=reason)
    except OSError:
        if os.path.lexists(layout.release(name)):
            return
    with contextlib.suppress(OSError):
        os.unlink(layout.marker(name))


def forget(layout: Layout, name: str) -> None:
    """Drop all that is known of a release; its directory must be gone already."""
    for path in (layout.listing(name), layout.record(name), layout.marker(name)):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def load_listing(layout: Layout, name: str) -> List[Json]:
    """Read the listing taken at the sealing; empty when there is none."""
    try:
        with open(layout.listing(name), encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.strip()]
    except (FileNotFoundError, ValueError):
        return []


def note_activation(layout: Layout, name: str, now: float) -> None:
    """Remember that a release began to serve; an unrecorded one gets a record by it."""
    record = read_json(layout.record(name)) or {"name": name, "state": "unrecorded"}
    times = [each for each in record.get("activated", []) if isinstance(each, (int, float))]
    amend(layout, name, state=record["state"], activated=[*times[-9:], now])


def take_activation_back(layout: Layout, name: str, moment: float) -> None:
    """Forget that a release began to serve at that moment: nobody found out whether it is well."""
    times = (read_json(layout.record(name)) or {}).get("activated", [])
    if moment in times:
        amend(layout, name, activated=[each for each in times if each != moment])


def commit_of(layout: Layout, name: str) -> str:
    """Give the commit or version that a release says of itself (record, else REVISION)."""
    record = read_json(layout.record(name)) or {}
    if record.get("commit"):
        return str(record["commit"])
    try:
        with open(os.path.join(layout.release(name), "REVISION"), encoding="utf-8") as file:
            return file.read(200).strip()
    except (OSError, UnicodeDecodeError):
        return ""


def survey(layout: Layout) -> List[Json]:
    """List all releases, oldest first, each with `name`, `state`, `order` and its record."""
    names = set(real_directories(layout.releases)) | set(_marked(layout))
    found = [_surveyed(layout, name) for name in names if NAME_PATTERN.match(name)]
    return sorted(found, key=lambda each: (each["order"], each["name"]))


def _marked(layout: Layout) -> List[str]:
    try:
        return [
            name for name in os.listdir(os.path.dirname(layout.marker("x"))) if "." not in name[:1]
        ]
    except FileNotFoundError:
        return []


def _surveyed(layout: Layout, name: str) -> Json:
    record = read_json(layout.record(name)) or {}
    order = record.get("finished") or record.get("started") or _modified(layout.release(name))
    return {
        "name": name,
        "state": state_of(layout, name),
        "order": float(order),
        "is_building": is_locked(layout.marker(name)),
        "record": record,
    }


def _modified(path: str) -> float:
    try:
        return os.lstat(path).st_mtime
    except OSError:
        return 0.0


def rollback_targets(releases: List[Json], current: Optional[str]) -> List[str]:
    """Name the releases one may go back to, best first: usable, proven, older than the current one.

    A release that was rolled back from is newer than the current one, so a second rollback goes
    one further back and never forth again. It is no target from later releases either, and
    neither is one that never served: its deployment was killed before it passed any gate.
    """
    by_name: Dict[str, Json] = {each["name"]: each for each in releases}
    here = by_name.get(current or "")
    if here is None:
        return []
    older = [each for each in releases if _key(each) < _key(here) and is_usable(each)]
    served = [each for each in reversed(older) if is_proven(each)]
    return [each["name"] for each in served if not _was_left(each, releases)]


def _was_left(release: Json, releases: List[Json]) -> bool:
    """Tell whether an older release served next: visitors were led back from this one."""
    last = max(_activated(release), default=0.0)
    later = [(at, _key(each)) for each in releases for at in _activated(each) if at > last > 0]
    return bool(later) and min(later)[1] < _key(release)


def last_activated(layout: Layout) -> Optional[str]:
    """Name the release that began to serve last, as far as was noted."""
    served = [(max(_activated(each)), each["name"]) for each in survey(layout) if _activated(each)]
    return max(served)[1] if served else None


def _activated(release: Json) -> List[float]:
    return [at for at in release["record"].get("activated") or [] if isinstance(at, (int, float))]


def is_usable(release: Json) -> bool:
    """Tell whether a release may serve: sealed by us, or seen serving before we came."""
    if release["state"] == "finished":
        return True
    return bool(release["state"] == "unrecorded" and release["record"].get("activated"))


def is_proven(release: Json) -> bool:
    """Tell whether a release has served: what a killed deployment staged is whole and untried.

    Of what another role switches to (its `via` is none), nobody notes when it served.
    """
    return bool(_activated(release)) or (release["record"].get("via") or "none") == "none"


def _key(release: Json) -> Any:
    return (release["order"], release["name"])
