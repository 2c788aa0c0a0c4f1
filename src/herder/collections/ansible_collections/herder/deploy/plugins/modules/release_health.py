#!/usr/bin/python
# GNU General Public License v3.0 or later (https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ask a site until it answers as wished."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release_health
short_description: Ask a site until it answers as wished
description:
  - Asks from the host itself, so no port need be open to the controller.
  - Looks at the status, a text and a header, so that it can tell that this release answers and not
    merely something.
attributes:
  check_mode:
    support: full
    description: Asks nothing.
  diff_mode:
    support: none
options:
  url:
    description: The address.
    type: str
    required: true
  host_header:
    description: The name of the virtual host.
    type: str
    default: ''
  unix_socket:
    description: A Unix socket to ask through; O(url) then gives only the path.
    type: str
    default: ''
  status:
    description: The statuses that are well; none accepts all.
    type: list
    elements: int
    default: [200]
  text:
    description: A text that must be in the answer, for example the name of the release.
    type: str
    default: ''
  header:
    description: A header that must be there.
    type: str
    default: ''
  header_value:
    description: A text that must be in this header.
    type: str
    default: ''
  seconds:
    description: How long to go on asking.
    type: float
    default: 30
  interval:
    description: How long to wait between questions.
    type: float
    default: 0.5
  request_seconds:
    description: How long one answer may take.
    type: float
    default: 5
  in_a_row:
    description: How many good answers in a row are needed.
    type: int
    default: 1
  verify_tls:
    description: Whether to check the certificate.
    type: bool
    default: true
  fail_when_unhealthy:
    description: Whether the module fails when the time is up; else see RV(ok).
    type: bool
    default: true
requirements:
  - Python 3.8 or later on the host
author:
  - The Herder authors
"""

EXAMPLES = r"""
- herder.deploy.release_health:
    url: http://127.0.0.1/version
    host_header: www.example.org
    text: '{{ deploy_release.name }}'
"""

RETURN = r"""
ok: {description: Whether it answered as wished., type: bool, returned: always}
attempts: {description: How often it was asked., type: int, returned: always}
status: {description: The last status; 0 for no answer., type: int, returned: always}
wrong: {description: What was wrong with the last answer., type: str, returned: always}
shown: {description: The beginning of the last answer., type: str, returned: always}
seconds: {description: How long it took., type: float, returned: always}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.herder.deploy.plugins.module_utils import release_health as health
from ansible_collections.herder.deploy.plugins.module_utils.release_layout import (
    Json,
    run_reporting,
)

ASKED = (
    "url", "host_header", "unix_socket", "status", "text", "header", "header_value",
    "request_seconds", "verify_tls",
)  # fmt: skip


def work(params: Json) -> Json:
    """Ask until it is well or the time is up."""
    question = health.Question(**{name: params[name] for name in ASKED})
    seen = health.ask_until(
        lambda: health.ask(question), params["seconds"], params["interval"], params["in_a_row"]
    )
    return dict(seen, changed=False)


def arguments() -> Json:
    """Give the argument spec."""
    text = {"type": "str", "default": ""}
    return {
        "url": {"type": "str", "required": True}, "host_header": text, "unix_socket": text,
        "status": {"type": "list", "elements": "int", "default": [200]}, "text": text, "header": text,
        "header_value": text, "seconds": {"type": "float", "default": 30},
        "interval": {"type": "float", "default": 0.5}, "request_seconds": {"type": "float", "default": 5},
        "in_a_row": {"type": "int", "default": 1}, "verify_tls": {"type": "bool", "default": True},
        "fail_when_unhealthy": {"type": "bool", "default": True},
    }  # fmt: skip


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=arguments(), supports_check_mode=True)
    if module.check_mode:
        module.exit_json(
            changed=False, ok=True, attempts=0, status=0, wrong="", shown="", seconds=0
        )
    result = run_reporting(lambda: work(module.params), module.fail_json)
    if not result["ok"] and module.params["fail_when_unhealthy"]:
        url, taken = module.params["url"], result["seconds"]
        module.fail_json(
            msg="%s after %.0f s: %s" % (url, taken, result["wrong"]),
            reference="unhealthy",
            **result,
        )
    module.exit_json(**result)


if __name__ == "__main__":
    main()
