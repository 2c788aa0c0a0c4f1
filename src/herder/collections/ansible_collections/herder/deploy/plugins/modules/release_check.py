#!/usr/bin/python
# GNU General Public License v3.0 or later (https://www.gnu.org/licenses/gpl-3.0.txt)
"""Say what on this host would make a deployment fail; changes nothing."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release_check
short_description: Say what on a host would make a deployment fail
description:
  - Looks at disk space and inodes, write access, the release that serves, a release to go back to,
    versions of programs, addresses that must be reachable, and the clock.
  - Never changes anything.
extends_documentation_fragment: [herder.deploy.layout]
attributes:
  check_mode:
    support: full
    description: It is the same.
  diff_mode:
    support: none
options:
  need_bytes:
    description: Free bytes that the release needs; without it, the size of the current one and a fifth.
    type: int
  need_inodes:
    description: Free inodes that the release needs; without it, those of the current one and a fifth.
    type: int
  need_target:
    description: Whether there must be a release to go back to.
    type: bool
    default: false
  target:
    description: The release that must be there to go back to; without it, any.
    type: str
  runtimes:
    description: >-
      Programs that must be there: a list of V(command), V(version) (like V(>=8.1) or V(>=3.8,<4),
      a bare V(8.1) fits 8.1 and 8.1.x) and V(name).
    type: list
    elements: dict
    default: []
  reach:
    description: Addresses that must answer, a list of V(host), V(port), V(seconds), V(name) or V(socket).
    type: list
    elements: dict
    default: []
  commands:
    description: Shell lines, or lists of words, that must end with 0; for example a database's ping.
    type: list
    elements: raw
    default: []
  controller_epoch:
    description: The controller's time, to hold this host's clock against.
    type: float
  max_skew:
    description: How many seconds the clocks may differ.
    type: float
    default: 5
  fail_on_findings:
    description: Whether the module fails when a check does.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: May we?
  herder.deploy.release_check:
    deploy_to: /srv/site
    runtimes: [{command: php -v, version: '>=8.1'}]
    reach: [{host: db.example.org, port: 5432, name: database}]
    fail_on_findings: true
"""

RETURN = r"""
ok: {description: Whether all checks passed., type: bool, returned: always}
findings:
  description: All checks that were made, each with check, ok, text, seen and wanted.
  type: list
  returned: always
failures: {description: The texts of those that did not pass., type: list, returned: always}
epoch: {description: This host's time., type: float, returned: always}
current: {description: The release that serves., type: str, returned: always}
"""

import time

from ansible_collections.herder.deploy.plugins.module_utils import release_arguments as arguments
from ansible_collections.herder.deploy.plugins.module_utils import release_preflight as preflight
from ansible_collections.herder.deploy.plugins.module_utils.release_layout import Json


def work(params: Json, is_check: bool) -> Json:
    """Make the checks."""
    epoch = time.time()
    layout = arguments.layout_of(params)
    findings = preflight.inspect(layout, params)
    failures = [each["text"] for each in findings if not each["ok"]]
    result: Json = {"changed": False, "ok": not failures, "findings": findings, "epoch": epoch}
    result.update(failures=failures, current=layout.current_name())
    if failures and params["fail_on_findings"]:
        result.update(failed=True, msg="; ".join(failures), reference="preflight")
    return result


def main() -> None:
    """Run the module."""
    many = {"type": "list", "elements": "dict", "default": []}
    yes_no = {"type": "bool", "default": False}
    spec = {
        "need_bytes": {"type": "int"},
        "need_inodes": {"type": "int"},
        "need_target": yes_no,
        "target": {"type": "str"},
        "runtimes": many,
        "reach": many,
        "commands": {"type": "list", "elements": "raw", "default": []},
        "controller_epoch": {"type": "float"},
        "max_skew": {"type": "float", "default": 5},
        "fail_on_findings": yes_no,
    }
    arguments.run(spec, work)


if __name__ == "__main__":
    main()
