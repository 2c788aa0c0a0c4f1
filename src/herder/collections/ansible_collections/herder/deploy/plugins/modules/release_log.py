#!/usr/bin/python
# GNU General Public License v3.0 or later (https://www.gnu.org/licenses/gpl-3.0.txt)
"""Add a line to the log of deployments on this host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release_log
short_description: Add a line to the log of deployments on a host
description:
  - The log is a file of JSON objects, one a line, in C(.herder/deployments.log) below O(deploy_to).
extends_documentation_fragment: [herder.deploy.layout]
attributes:
  check_mode:
    support: full
    description: Writes nothing.
  diff_mode:
    support: none
options:
  event:
    description: What it is about.
    type: str
    default: deployment
  release:
    description: The release.
    type: str
  commit:
    description: Its commit; without it, what the host knows of it.
    type: str
  from:
    description: The release that served before.
    type: str
  to:
    description: The release that serves now; without it, the one that does.
    type: str
  who:
    description: Who deployed.
    type: str
  result:
    description: How it ended, for example V(ok), V(failed) or V(taken back).
    type: str
    required: true
  seconds:
    description: How long it took.
    type: float
  message:
    description: Why, in the deployer's words.
    type: str
  extra:
    description: More fields.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- herder.deploy.release_log: {deploy_to: /srv/site, release: r7, from: r6, result: ok, who: ann}
"""

RETURN = r"""
line: {description: The line as it was written., type: dict, returned: always}
"""

import time

from ansible_collections.herder.deploy.plugins.module_utils import release_arguments as arguments
from ansible_collections.herder.deploy.plugins.module_utils import release_log
from ansible_collections.herder.deploy.plugins.module_utils import release_record as records
from ansible_collections.herder.deploy.plugins.module_utils.release_layout import Json

FIELDS = ("event", "release", "commit", "from", "to", "who", "result", "seconds", "message")


def work(params: Json, is_check: bool) -> Json:
    """Write the line."""
    layout = arguments.layout_of(params)
    line = dict(params["extra"], **{field: params[field] for field in FIELDS})
    line["when"] = time.time()
    line["to"] = line["to"] or layout.current_name()
    if not line["commit"] and line["release"]:
        line["commit"] = records.commit_of(layout, line["release"]) or None
    if not is_check:
        release_log.append(layout, line)
    return {"changed": False, "line": line}


def main() -> None:
    """Run the module."""
    text = {"type": "str"}
    spec = {field: text for field in FIELDS if field not in ("seconds", "result", "event")}
    more = {
        "seconds": {"type": "float"},
        "result": {"type": "str", "required": True},
        "extra": {"type": "dict", "default": {}},
        "event": {"type": "str", "default": "deployment"},
    }
    arguments.run(dict(spec, **more), work)


if __name__ == "__main__":
    main()
