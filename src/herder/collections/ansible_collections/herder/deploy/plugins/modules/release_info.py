#!/usr/bin/python
# GNU General Public License v3.0 or later (https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tell of the releases on this host; changes nothing."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release_info
short_description: Tell of the releases on a host
description:
  - Lists the releases, which one serves, which one may be gone back to, who deploys at the moment,
    the last switch and the log. Never changes anything.
extends_documentation_fragment: [herder.deploy.layout]
attributes:
  check_mode:
    support: full
    description: It is the same.
  diff_mode:
    support: none
options:
  check:
    description:
      - Whether to look for edits by hand in finished releases.
      - V(quick) compares size, time and mode; V(full) reads all files.
    type: str
    choices: [none, quick, full]
    default: none
  log_lines:
    description: How many of the newest log lines to give.
    type: int
    default: 20
  once:
    description: Whether to tell what ran once for all hosts.
    type: bool
    default: false
  listing_of:
    description: A finished release whose whole list of entries to give too.
    type: str
"""

EXAMPLES = r"""
- herder.deploy.release_info: {deploy_to: /srv/site, check: quick}
  register: info
- ansible.builtin.debug: {msg: '{{ info.current }} by {{ (info.releases | last).by }}'}
"""

RETURN = r"""
current: {description: The release that serves., type: str, returned: always}
current_link: {description: What the link says., type: str, returned: always}
outside: {description: Where the link leads when that is no release., type: str, returned: always}
is_dangling: {description: Whether the link leads nowhere., type: bool, returned: always}
previous: {description: The release a rollback would choose., type: str, returned: always}
rollback_targets: {description: 'Intact releases to go back to, best first.', type: list, returned: always}
usable: {description: 'Intact releases that could serve, newest first, the current one too.', type: list, returned: always}
releases:
  description: >-
    Oldest first: name, state, is_current, is_previous, is_usable, commit, branch, by, message,
    started, finished, activated, digest, entries, bytes, reason, and with O(check) is_edited and
    edits (added, changed, removed, counts).
  type: list
  returned: always
lease: {description: 'Who deploys, as M(herder.deploy.release_lease) tells it.', type: dict, returned: always}
token: {description: The highest number given out., type: int, returned: always}
switch: {description: The journal of the last switch., type: dict, returned: always}
is_pending: {description: Whether that switch waits for its confirmation., type: bool, returned: always}
is_overdue: {description: Whether it has waited too long., type: bool, returned: always}
once: {description: 'What ran once for all hosts, and for which code.', type: dict, returned: when asked for}
log: {description: The newest lines of the log., type: list, returned: always}
listing: {description: All entries of a release., type: list, returned: when asked for}
epoch: {description: This host's time., type: float, returned: always}
"""

from ansible_collections.herder.deploy.plugins.module_utils import release_arguments as arguments
from ansible_collections.herder.deploy.plugins.module_utils import release_once
from ansible_collections.herder.deploy.plugins.module_utils import release_record as records
from ansible_collections.herder.deploy.plugins.module_utils import release_upkeep as upkeep
from ansible_collections.herder.deploy.plugins.module_utils.release_layout import Json


def work(params: Json, is_check: bool) -> Json:
    """Look and tell."""
    layout = arguments.layout_of(params)
    result = upkeep.tell(layout, params["check"], params["log_lines"])
    if params["listing_of"]:
        result["listing"] = records.load_listing(layout, params["listing_of"])
    if params["once"]:
        result["once"] = release_once.read(layout)
    return result


def main() -> None:
    """Run the module."""
    spec = {
        "check": {"type": "str", "choices": ["none", "quick", "full"], "default": "none"},
        "log_lines": {"type": "int", "default": 20},
        "listing_of": {"type": "str"},
        "once": {"type": "bool", "default": False},
    }
    arguments.run(spec, work)


if __name__ == "__main__":
    main()
