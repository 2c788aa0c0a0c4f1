#!/usr/bin/python
# GNU General Public License v3.0 or later (https://www.gnu.org/licenses/gpl-3.0.txt)
"""Remove releases that are no longer wanted."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release_cleanup
short_description: Remove releases that are no longer wanted
description:
  - Keeps the newest finished releases, and always the one that serves, the one before it, and one
    that another deployment is at work on.
  - Half-built and failed releases never count and are removed, unless their builder is alive.
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
  keep_releases:
    description: How many finished releases to keep; 0 for all.
    type: int
    default: 0
"""

EXAMPLES = r"""
- herder.deploy.release_cleanup: {deploy_to: /srv/site, keep_releases: 5}
"""

RETURN = r"""
removed: {description: 'Which were removed, and why each.', type: dict, returned: always}
kept: {description: 'Which are there, oldest first.', type: list, returned: always}
"""

from ansible_collections.herder.deploy.plugins.module_utils import release_arguments as arguments
from ansible_collections.herder.deploy.plugins.module_utils import release_upkeep as upkeep
from ansible_collections.herder.deploy.plugins.module_utils.release_layout import Json


def work(params: Json, is_check: bool) -> Json:
    """Remove them."""
    layout = arguments.layout_of(params)
    return upkeep.clean_up(layout, params["keep_releases"], params["token"], is_check)


def main() -> None:
    """Run the module."""
    spec = {"keep_releases": {"type": "int", "default": 0}}
    arguments.run(dict(spec, **arguments.token_argument()), work)


if __name__ == "__main__":
    main()
