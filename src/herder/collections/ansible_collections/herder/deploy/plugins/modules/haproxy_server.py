#!/usr/bin/python
# GNU General Public License v3.0 or later (https://www.gnu.org/licenses/gpl-3.0.txt)
"""Take a server out of HAProxy and put it back, and wait until it is so."""

from __future__ import annotations

DOCUMENTATION = r"""
module: haproxy_server
short_description: Take a server out of HAProxy, or put it back, and wait until it is so
description:
  - Talks to HAProxy's admin socket on the host where the module runs; delegate the task to the host
    of the load balancer.
  - V(drain) and V(maint) wait until the server has no session any more, V(ready) until it is up.
attributes:
  check_mode:
    support: full
    description: Says how the server is.
  diff_mode:
    support: none
options:
  socket:
    description: The path of the admin socket, or host and port of one.
    type: str
    default: /run/haproxy/admin.sock
  server:
    description: The name of the server.
    type: str
    required: true
  backend:
    description: Its backend; without it, every backend that has a server of this name.
    type: str
    default: ''
  state:
    description: What it shall be.
    type: str
    choices: [drain, maint, ready]
    required: true
  keep_maintenance:
    description: >-
      Leave a server that is in maintenance as it is, with a warning: somebody put it there. For
      playbooks that take servers out by V(drain).
    type: bool
    default: false
  wait_seconds:
    description: How long to wait for it; 0 does not wait.
    type: float
    default: 30
requirements:
  - HAProxy 1.8 or later with a socket of level admin
author:
  - The Herder authors
"""

EXAMPLES = r"""
- name: No new visitors
  herder.deploy.haproxy_server: {server: '{{ inventory_hostname }}', backend: site, state: drain}
  delegate_to: balancer
"""

RETURN = r"""
servers:
  description: For each backend a dictionary of backend, server, status, sessions, queued, weight.
  type: list
  returned: always
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.herder.deploy.plugins.module_utils import release_haproxy as haproxy
from ansible_collections.herder.deploy.plugins.module_utils.release_layout import (
    Json,
    run_reporting,
)


def work(params: Json, is_check: bool) -> Json:
    """Order the state and wait for it."""

    def ask(line: str) -> str:
        return haproxy.ask_socket(params["socket"], line)

    target = [params["server"], params["backend"]]
    state, before = params["state"], haproxy.find(ask, *target)
    leave = [one.backend for one in before if params["keep_maintenance"] and is_left(one, state)]
    changed = not all(is_already(one, state) or one.backend in leave for one in before)
    after = before
    if not is_check:
        after = haproxy.bring(ask, target, state, params["wait_seconds"], leave)
    text = "%s/%s is in maintenance and stays so; to let it in: set server %s/%s state ready"
    warnings = [text % ((backend, params["server"]) * 2) for backend in leave]
    servers = [dict(one._asdict()) for one in after]
    return {"changed": changed, "servers": servers, "warnings": warnings}


def is_left(seen: haproxy.Seen, state: str) -> bool:
    """Tell whether the order would end a maintenance."""
    return seen.status == haproxy.MAINTENANCE and state != "maint"


def is_already(seen: haproxy.Seen, state: str) -> bool:
    """Tell whether the order would change nothing."""
    words = {"drain": ("DRAIN",), "maint": ("MAINT",), "ready": haproxy.UP_STATES}
    return seen.status.startswith(words[state])


def main() -> None:
    """Run the module."""
    spec = {
        "socket": {"type": "str", "default": "/run/haproxy/admin.sock"},
        "server": {"type": "str", "required": True},
        "backend": {"type": "str", "default": ""},
        "state": {"type": "str", "choices": ["drain", "maint", "ready"], "required": True},
        "keep_maintenance": {"type": "bool", "default": False},
        "wait_seconds": {"type": "float", "default": 30},
    }
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    result = run_reporting(lambda: work(module.params, module.check_mode), module.fail_json)
    for text in result.pop("warnings"):
        module.warn(text)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
