#!/usr/bin/python
# GNU General Public License v3.0 or later (https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hold the right to deploy an application on this host for a while."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release_lease
short_description: Hold the right to deploy an application on a host for a while
description:
  - A lease ends by itself when its owner no longer renews it, so nothing is left locked by a crash.
  - Each new owner gets a higher number. The other modules of this collection refuse a lower one, so
    that a deployer that was thought dead can do no harm when it wakes up.
extends_documentation_fragment:
  - herder.deploy.layout
  - herder.deploy.layout.token
attributes:
  check_mode:
    support: full
    description: Says whether the lease could be had; the number returned is 0.
  diff_mode:
    support: none
options:
  action:
    description:
      - V(acquire) takes the lease when it is free, over, or already the owner's.
      - V(renew) puts off its end; works after the end too while nobody else took it.
      - V(release) gives it back; not holding it is no error.
      - V(show) changes nothing.
      - V(break) ends the lease, whoever holds it; with O(token), only the one with this number, so
        that between looking and breaking nobody else's is ended.
    type: str
    choices: [acquire, renew, release, show, break]
    default: show
  owner:
    description: What names the holder among all others, for example user@host and process.
    type: str
  user:
    description: The person, for others to read.
    type: str
  host:
    description: The machine that deploys, for others to read.
    type: str
  why:
    description: Why, for others to read.
    type: str
  release:
    description: The release that is being deployed; it is never cleaned away meanwhile.
    type: str
  progress:
    description: How far the deployment is, for others to read.
    type: str
  seconds:
    description: How long the lease lasts without being renewed. Defaults to 30, or what it was.
    type: float
  wait_seconds:
    description: How long V(acquire) waits for another holder to be done.
    type: float
    default: 0
  at_least:
    description:
      - The least number that V(acquire) shall give out, so that a deployer of many hosts can have
        the same one on all of them.
    type: int
    default: 0
  fail_when_held:
    description: Whether V(acquire) fails when another one holds the lease; else see RV(held).
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Nobody else, please
  herder.deploy.release_lease:
    deploy_to: /srv/site
    action: acquire
    owner: "{{ lookup('pipe', 'whoami') }}@{{ lookup('pipe', 'hostname') }}"
    seconds: 300
  register: lease

- name: Done
  herder.deploy.release_lease: {deploy_to: /srv/site, action: release, token: '{{ lease.token }}'}
"""

RETURN = r"""
held: {description: Whether the lease is the caller's after this call., type: bool, returned: always}
token: {description: The number of the caller's lease, or the stored one., type: int, returned: always}
holder:
  description: >-
    Who holds it or held it last: owner, user, host, why, release, progress, token, since, expires,
    remaining_seconds, is_live.
  type: dict
  returned: always
"""

from ansible_collections.herder.deploy.plugins.module_utils import release_arguments as arguments
from ansible_collections.herder.deploy.plugins.module_utils import release_lease as leases
from ansible_collections.herder.deploy.plugins.module_utils.release_layout import (
    DeployError,
    Json,
    Layout,
)

DEFAULT_SECONDS = 30.0


def show(layout: Layout, params: Json) -> Json:
    """Say who holds the lease."""
    now = leases.this_moment()
    lease = leases.holder(layout)
    is_ours = bool(lease and params["token"] and lease.get("token") == params["token"])
    return {
        "changed": False,
        "held": is_ours and leases.is_live(lease, now),
        "token": leases.stored_token(layout),
        "holder": leases.described(lease, now),
    }


def acquire(layout: Layout, params: Json, is_check: bool) -> Json:
    """Take the lease, or say who has it."""
    wish = leases.wish_of(params)
    now = leases.this_moment()
    if is_check:
        lease = leases.holder(layout)
        other = lease if leases.is_live(lease, now) else None
        taken = other is None or other.get("owner") == wish["owner"]
        lease = dict(wish, token=0)
    else:
        order = dict(params, seconds=params["seconds"] or DEFAULT_SECONDS)
        taken, lease = leases.wait_and_acquire(layout, wish, order)
        other = lease
    now = leases.this_moment()
    if not taken and params["fail_when_held"]:
        raise leases.held_by_other(other or {}, now)
    told = leases.described(lease if taken else other, now)
    return {"changed": taken, "held": taken, "token": told.get("token") or 0, "holder": told}


def renew(layout: Layout, params: Json) -> Json:
    """Put off the end of the lease."""
    changes = {key: params[key] for key in ("progress", "why", "release", "seconds")}
    now = leases.this_moment()
    lease = leases.renew(layout, params["token"], now, changes)
    told = leases.described(lease, now)
    return {"changed": False, "held": True, "token": params["token"], "holder": told}


def end(layout: Layout, params: Json) -> Json:
    """Give the lease back, or break it."""
    if params["action"] == "break":
        ended = leases.break_lease(layout, params["token"] or 0, leases.this_moment())
        changed = ended is not None
    else:
        changed = leases.release(layout, params["token"])
    return dict(show(layout, params), changed=changed)


def work(params: Json, is_check: bool) -> Json:
    """Do the action."""
    layout = arguments.layout_of(params)
    action = params["action"]
    if action == "acquire":
        return acquire(layout, params, is_check)
    if action == "show" or is_check:
        return show(layout, params)
    if not params["token"] and action != "break":
        raise DeployError("bad-arguments", "token is required to %s a lease" % action)
    return renew(layout, params) if action == "renew" else end(layout, params)


def main() -> None:
    """Run the module."""
    text = {"type": "str"}
    spec = {
        "action": {
            "type": "str",
            "default": "show",
            "choices": ["acquire", "renew", "release", "show", "break"],
        },
        "owner": text,
        "user": text,
        "host": text,
        "why": text,
        "release": text,
        "progress": text,
        "seconds": {"type": "float"},
        "wait_seconds": {"type": "float", "default": 0},
        "at_least": {"type": "int", "default": 0},
        "fail_when_held": {"type": "bool", "default": True},
    }
    needs = {"required_if": [("action", "acquire", ["owner"])]}
    arguments.run(dict(spec, **arguments.token_argument()), work, needs)


if __name__ == "__main__":
    main()
