#!/usr/bin/python
# GNU General Public License v3.0 or later (https://www.gnu.org/licenses/gpl-3.0.txt)
"""End a deployment on this host in one call: clean up, log, give the lease back."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release_finish
short_description: End a deployment on a host in one call
description:
  - Does what M(herder.deploy.release_cleanup), M(herder.deploy.release_log) and
    M(herder.deploy.release_lease) do one after the other, for playbooks that count round trips.
  - With O(result) other than V(ok), a release that does not serve is given up and removed, unless
    O(give_up) says otherwise, or it served before this deployment, which neither built it nor
    switched to it.
extends_documentation_fragment:
  - herder.deploy.layout
  - herder.deploy.layout.token
attributes:
  check_mode:
    support: full
    description: Names what would be removed.
  diff_mode:
    support: none
options:
  release:
    description: The release that was deployed.
    type: str
    required: true
  keep_releases:
    description: How many finished releases to keep; 0 for all.
    type: int
    default: 0
  event:
    description: What it was, for the log.
    type: str
    default: deployment
  result:
    description: How it ended.
    type: str
    default: ok
  give_up:
    description: With a O(result) other than V(ok), also remove O(release) if it does not serve.
    type: bool
    default: true
  take_back:
    description: With a O(result) other than V(ok), also undo the switch to O(release) if there was one.
    type: bool
    default: false
  previous:
    description: The release that served before, for the log.
    type: str
  started:
    description: When the deployment began (seconds since the epoch), for the log.
    type: float
  who:
    description: Who deployed.
    type: str
  message:
    description: Why, or what went wrong.
    type: str
  end_lease:
    description: Whether to give the lease with number O(token) back.
    type: bool
    default: true
"""

EXAMPLES = r"""
- herder.deploy.release_finish: {deploy_to: /srv/site, release: r7, keep_releases: 5, token: 12}
"""

RETURN = r"""
removed: {description: 'Which releases were removed, and why each.', type: dict, returned: always}
kept: {description: 'Which are there, oldest first.', type: list, returned: always}
current: {description: The release that serves now., type: str, returned: always}
taken_back: {description: Whether the switch was undone., type: bool, returned: always}
line: {description: The log line., type: dict, returned: always}
"""

import time
from typing import Optional

from ansible_collections.herder.deploy.plugins.module_utils import release_arguments as arguments
from ansible_collections.herder.deploy.plugins.module_utils import release_lease as leases
from ansible_collections.herder.deploy.plugins.module_utils import release_log
from ansible_collections.herder.deploy.plugins.module_utils import release_record as records
from ansible_collections.herder.deploy.plugins.module_utils import release_staging as staging
from ansible_collections.herder.deploy.plugins.module_utils import release_switch as switches
from ansible_collections.herder.deploy.plugins.module_utils import release_upkeep as upkeep
from ansible_collections.herder.deploy.plugins.module_utils.release_layout import (
    Json,
    Layout,
    read_json,
)


def give_up(layout: Layout, params: Json) -> bool:
    """Undo the switch if asked, and remove the release if it does not serve; says if undone."""
    name = params["release"]
    why = params["message"] or params["result"]
    journal = switches.journal_of(layout) or {}
    undone = False
    if params["take_back"] and layout.current_name() == name and journal.get("to") == name:
        undone = bool(switches.revert(layout, params["token"], "", why)["changed"])
    if params["give_up"] and not undone and is_given_up(layout, name, params["token"]):
        staging.abandon(layout, name, why)
    return undone


def is_given_up(layout: Layout, name: str, token: Optional[int]) -> bool:
    """Tell whether a failed deployment leaves the release: one that served before may be the way back."""
    state = records.state_of(layout, name)
    record = read_json(layout.record(name)) or {}
    if state != "finished" or not records.is_proven({"record": record}):
        return state in ("unfinished", "finished", "failed")
    journal = switches.journal_of(layout) or {}
    last = journal.get("token") if name in (journal.get("from"), journal.get("to")) else None
    return (token or 0) in (record.get("token") or 0, last)


def line_of(layout: Layout, params: Json) -> Json:
    """Make the log line."""
    now = time.time()
    name = params["release"]
    return {
        "when": now,
        "event": params["event"],
        "release": name,
        "from": params["previous"] or None,
        "to": layout.current_name(),
        "commit": records.commit_of(layout, name) or None,
        "who": params["who"],
        "result": params["result"],
        "message": params["message"],
        "seconds": round(now - params["started"], 3) if params["started"] else None,
    }


def work(params: Json, is_check: bool) -> Json:
    """Do all three, and give the lease back whatever happens."""
    layout = arguments.layout_of(params)
    keep, token = params["keep_releases"], params["token"]
    if is_check:
        found = upkeep.clean_up(layout, keep, token, is_check)
        return dict(
            found, current=layout.current_name(), taken_back=False, line=line_of(layout, params)
        )
    layout.prepare()
    try:
        undone = params["result"] != "ok" and give_up(layout, params)
        line = line_of(layout, dict(params, result="taken back" if undone else params["result"]))
        found = upkeep.clean_up(layout, keep, token, is_check)
        release_log.append(layout, line)
    finally:
        if params["end_lease"] and token:
            leases.release(layout, token)
    return dict(found, current=layout.current_name(), taken_back=undone, line=line)


def main() -> None:
    """Run the module."""
    text = {"type": "str"}
    spec = {
        "release": {"type": "str", "required": True},
        "keep_releases": {"type": "int", "default": 0},
        "result": {"type": "str", "default": "ok"},
        "give_up": {"type": "bool", "default": True},
        "take_back": {"type": "bool", "default": False},
        "event": {"type": "str", "default": "deployment"},
        "previous": text,
        "started": {"type": "float"},
        "who": text,
        "message": text,
        "end_lease": {"type": "bool", "default": True},
    }
    arguments.run(dict(spec, **arguments.token_argument()), work)


if __name__ == "__main__":
    main()
