"""The arguments that every module of this collection shares, and how a module ends."""

from __future__ import annotations

from typing import Any, Callable, Dict, Optional

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.herder.deploy.plugins.module_utils.release_layout import (
    Json,
    Layout,
    run_reporting,
)

Arguments = Dict[str, Dict[str, Any]]


def layout_arguments() -> Arguments:
    """Give the argument spec of where an application lives."""
    return {
        "deploy_to": {"type": "path", "required": True},
        "version_dir": {"type": "str", "default": "releases"},
        "shared_dir": {"type": "str", "default": "shared"},
        "current_dir": {"type": "str", "default": "current"},
        "repo_dir": {"type": "str", "default": "repo"},
    }


def token_argument() -> Arguments:
    """Give the argument spec of the fencing number."""
    return {"token": {"type": "int", "no_log": False}}


def layout_of(params: Json) -> Layout:
    """Make the layout out of a module's parameters."""
    names = ("deploy_to", "version_dir", "shared_dir", "current_dir", "repo_dir")
    return Layout(*[str(params[name]) for name in names])


def run(
    arguments: Arguments,
    work: Callable[[Json, bool], Json],
    spec: Optional[Dict[str, Any]] = None,
) -> None:
    """Run one module: read its arguments, do the work, say the result; never returns.

    *Shapes*: `work` gets the parameters and whether this is check mode, and gives the result.
    With a key `failed` in it, the module fails with the result's `msg`; `warnings` are told.
    """
    module = AnsibleModule(
        argument_spec=dict(layout_arguments(), **arguments),
        supports_check_mode=True,
        **(spec or {}),
    )
    params = dict(module.params, _diff=module._diff)
    result = run_reporting(lambda: work(params, module.check_mode), module.fail_json)
    for text in result.pop("warnings", ()):
        module.warn(text)
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)
