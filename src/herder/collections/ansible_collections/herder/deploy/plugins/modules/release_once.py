#!/usr/bin/python
# GNU General Public License v3.0 or later (https://www.gnu.org/licenses/gpl-3.0.txt)
"""Write down on a host what ran once for all hosts."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release_once
short_description: Write down what ran once for all hosts
description:
  - C(herder deploy) notes here, on every host, which C(run_once) tasks (migrations) changed something for
    which code, so that neither a rerun nor a second deployer repeats them.
  - The record is C(.herder/once.json) below O(deploy_to); M(herder.deploy.release_info) shows it.
extends_documentation_fragment:
  - herder.deploy.layout
  - herder.deploy.layout.token
attributes:
  check_mode:
    support: full
    description: Writes nothing.
  diff_mode:
    support: none
options:
  key:
    description: Names the task and the code it ran for.
    type: str
    required: true
  state:
    description: V(forgotten) takes the entry away.
    type: str
    choices: [begun, done, forgotten]
    default: done
  name:
    description: The task's name, for people.
    type: str
  release:
    description: The release it ran for.
    type: str
  host:
    description: The host it ran on.
    type: str
  by:
    description: Who deployed.
    type: str
"""

EXAMPLES = r"""
- herder.deploy.release_once: {deploy_to: /srv/site, key: 3f2a-9c1b, name: Migrate, release: r7}
"""

RETURN = r"""
known: {description: How many such tasks are known., type: int, returned: always}
"""

from ansible_collections.herder.deploy.plugins.module_utils import release_arguments as arguments
from ansible_collections.herder.deploy.plugins.module_utils import release_once
from ansible_collections.herder.deploy.plugins.module_utils.release_layout import Json

FIELDS = ("name", "state", "release", "host", "by")


def work(params: Json, is_check: bool) -> Json:
    """Write it down."""
    layout = arguments.layout_of(params)
    if is_check:
        return {"changed": False, "known": len(release_once.read(layout))}
    facts = {field: params[field] for field in FIELDS}
    known = release_once.note(layout, params["key"], facts, params["token"])
    return {"changed": True, "known": len(known)}


def main() -> None:
    """Run the module."""
    text = {"type": "str"}
    spec = {
        "key": {"type": "str", "required": True, "no_log": False},
        "state": {"type": "str", "choices": ["begun", "done", "forgotten"], "default": "done"},
        "name": text,
        "release": text,
        "host": text,
        "by": text,
    }
    arguments.run(dict(spec, **arguments.token_argument()), work)


if __name__ == "__main__":
    main()
