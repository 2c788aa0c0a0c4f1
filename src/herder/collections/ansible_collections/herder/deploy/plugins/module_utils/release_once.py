"""What ran once for all hosts (a migration), so that nobody repeats it for the same code.

*Shapes*: once.json maps a key (task and content, made by the deployer) to
{name, state, release, host, by, at}. States: `begun` (the end is not known), `done`. A task that
failed, or changed nothing, is forgotten.
"""

from __future__ import annotations

import os
from typing import Any, Dict, Optional

from ansible_collections.herder.deploy.plugins.module_utils import release_lease as leases
from ansible_collections.herder.deploy.plugins.module_utils.release_layout import (
    Json,
    Layout,
    locked,
    read_json,
    write_json,
)

KEPT = 200


def path_of(layout: Layout) -> str:
    """Give the path of the record."""
    return os.path.join(layout.private, "once.json")


def read(layout: Layout) -> Json:
    """Give all that is known; {} where nothing ran once."""
    return read_json(path_of(layout)) or {}


def note(layout: Layout, key: str, facts: Dict[str, Any], token: Optional[int]) -> Json:
    """Write down a task's state, or forget it with the state `forgotten`; gives what is known."""
    layout.prepare()
    with locked(layout.lock):
        now = leases.this_moment()
        leases.check_fence(layout, token, now)
        known = read(layout)
        known.pop(key, None)
        if facts["state"] != "forgotten":
            known[key] = dict(facts, at=now.wall)
        newest = sorted(known, key=lambda each: float(known[each].get("at") or 0))[-KEPT:]
        write_json(path_of(layout), {each: known[each] for each in newest})
    return known
