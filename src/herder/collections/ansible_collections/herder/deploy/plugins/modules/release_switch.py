#!/usr/bin/python
# GNU General Public License v3.0 or later (https://www.gnu.org/licenses/gpl-3.0.txt)
"""Make a release the one that serves, confirm it, or take it back."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release_switch
short_description: Make a release the one that serves, confirm it, or take it back
description:
  - Switches by one rename of a link with a name of its own, after writing down what the link was, so
    that taking it back is one rename too, also on a full disk.
  - Refuses a release that is not finished, and refuses to replace a real directory.
  - With O(guard_seconds), a small process on the host takes the switch back by itself when it was not
    confirmed in time, for example because the controller was lost.
extends_documentation_fragment:
  - herder.deploy.layout
  - herder.deploy.layout.token
attributes:
  check_mode:
    support: full
    description: Says what would change.
  diff_mode:
    support: full
    description: Shows the link before and after.
options:
  action:
    description:
      - V(switch) makes O(release) the one that serves.
      - V(confirm) makes a guarded switch final.
      - V(revert) gives the host back what it had before the last switch, and marks the release that
        it leaves as failed.
      - V(rollback) switches to O(release), or without a name to the newest intact release that is
        older than the one that serves.
    type: str
    choices: [switch, confirm, revert, rollback]
    default: switch
  release:
    description:
      - The name of the release.
      - For V(revert), the release that is left; when the last switch was to another one, nothing is
        done, because the host never came so far.
    type: str
    default: ''
  switch_id:
    description: For V(confirm) and V(revert), the switch that is meant; any other is refused.
    type: str
    default: ''
  expect_digest:
    description: The digest that the release must have been finished with.
    type: str
    default: ''
  guard_seconds:
    description: How long to wait for the confirmation; 0 for no guard.
    type: float
    default: 0
  guard_rule:
    description: What the guard does then.
    type: str
    choices: [revert, keep]
    default: revert
  guard_command:
    description: What the guard runs after it went back, for example a reload.
    type: list
    elements: str
    default: []
  reject:
    description: For V(rollback), whether the release that is left is marked as failed.
    type: bool
    default: false
  why:
    description: Why, for the record of a V(revert) or V(rollback).
    type: str
    default: ''
  by:
    description: Who, for the record.
    type: str
    default: ''
"""

EXAMPLES = r"""
- name: Serve a release, but go back by itself within two minutes unless confirmed
  herder.deploy.release_switch:
    deploy_to: /srv/site
    release: 20260131120000Z
    guard_seconds: 120
    guard_command: [systemctl, reload, gunicorn]
  register: switched

- name: It is well
  herder.deploy.release_switch: {deploy_to: /srv/site, action: confirm, switch_id: '{{ switched.switch_id }}'}

- name: Back to the release before
  herder.deploy.release_switch: {deploy_to: /srv/site, action: rollback}
"""

RETURN = r"""
switch_id: {description: The name of the switch that led to what serves now; empty where none did., type: str, returned: always}
state: {description: 'prepared, switched, confirmed, reverted or abandoned.', type: str, returned: always}
from: {description: The release that served before the switch., type: str, returned: always}
to: {description: The release that it switched to., type: str, returned: always}
current: {description: The release that serves now., type: str, returned: always}
deadline: {description: 'Until when it must be confirmed (seconds since the epoch), 0 for no guard.', type: float, returned: always}
guard_pid: {description: The process that watches., type: int, returned: with a guard}
"""

import os
import time

from ansible_collections.herder.deploy.plugins.module_utils import release_arguments as arguments
from ansible_collections.herder.deploy.plugins.module_utils import release_guard as guard
from ansible_collections.herder.deploy.plugins.module_utils import release_record as records
from ansible_collections.herder.deploy.plugins.module_utils import release_switch as switches
from ansible_collections.herder.deploy.plugins.module_utils import release_upkeep as upkeep
from ansible_collections.herder.deploy.plugins.module_utils.release_layout import (
    Json,
    Layout,
    checked_name,
)

TEXT = {"type": "str", "default": ""}


def foresee(layout: Layout, params: Json) -> Json:
    """Say what would be done; in check mode the release need not be there yet."""
    current = layout.current_name()
    switches.check_current(layout)
    journal = switches.journal_of(layout)
    if params["action"] == "rollback":
        to = upkeep.pick_target(layout, params["release"])
    elif params["action"] == "switch":
        to = checked_name(params["release"])
    else:
        to = str((journal or {}).get("from" if params["action"] == "revert" else "to") or "")
    is_pending = switches.is_pending(journal)
    changed = is_pending if params["action"] == "confirm" else to != current
    found = {"state": "prepared", "from": current, "to": to, "from_link": layout.current_text()}
    return dict(found, to_link=layout.link_text(to) if to else None, changed=changed, deadline=0.0)


def carry_out(layout: Layout, params: Json) -> Json:
    """Do the action and give the journal."""
    action, token = params["action"], params["token"]
    if action == "confirm":
        return switches.confirm(layout, token, params["switch_id"])
    if action == "revert":
        return switches.revert(layout, token, params["switch_id"], params["why"], params["release"])
    is_switch = action == "switch"
    name = (
        checked_name(params["release"])
        if is_switch
        else upkeep.pick_target(layout, params["release"])
    )
    journal = switches.switch(layout, name, token, params)
    if params["reject"] and action == "rollback" and journal["changed"] and journal["from"]:
        records.fail(layout, journal["from"], params["why"] or "rolled back", time.time())
    if journal["changed"] and journal["deadline"]:
        journal["guard_pid"] = guard.start(layout, journal)
    return journal


def work(params: Json, is_check: bool) -> Json:
    """Do the action and say where the host stands."""
    layout = arguments.layout_of(params)
    before = layout.current_text()
    journal = foresee(layout, params) if is_check else carry_out(layout, params)
    fields = ("state", "from", "to", "changed", "deadline", "at", "why", "guard_pid", "rule")
    result = {field: journal[field] for field in fields if field in journal}
    result["switch_id"] = journal.get("id", "")
    result["current"] = layout.current_name()
    result["is_dangling"] = os.path.islink(layout.current) and not os.path.isdir(layout.current)
    if params["_diff"] and result["changed"]:
        after = journal.get("to_link") if is_check else layout.current_text()
        header = {"before_header": layout.current, "after_header": layout.current}
        result["diff"] = dict(header, before=(before or "") + "\n", after=(after or "") + "\n")
    return result


def main() -> None:
    """Run the module."""
    spec = {
        "action": {
            "type": "str",
            "default": "switch",
            "choices": ["switch", "confirm", "revert", "rollback"],
        },
        "release": TEXT,
        "switch_id": TEXT,
        "expect_digest": TEXT,
        "why": TEXT,
        "by": TEXT,
        "guard_seconds": {"type": "float", "default": 0},
        "guard_rule": {"type": "str", "choices": ["revert", "keep"], "default": "revert"},
        "guard_command": {"type": "list", "elements": "str", "default": []},
        "reject": {"type": "bool", "default": False},
    }
    needs = {"required_if": [("action", "switch", ["release"])]}
    arguments.run(dict(spec, **arguments.token_argument()), work, needs)


if __name__ == "__main__":
    main()
