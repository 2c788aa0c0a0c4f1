"""Refuses a playbook that deploys more than one application, before the first one changes anything.

Lease, confirmation and way back are those of one application on one set of hosts: nobody would
confirm the switches of a second one, and its guards would take it back when all was done.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible.errors import AnsibleError
from ansible.playbook import Playbook
from ansible.template import Templar
from ansible.utils.collection_loader._collection_finder import _get_collection_playbook_path

from herder.errors import UsageError
from herder.language.passes import count_deploy_roles


def require_one(playbooks: Sequence[str], variable_manager: Any, loader: Any) -> None:
    """Look for a second deploy role in all plays that have hosts. *Raises*: UsageError."""
    plays = [play for path in playbooks for play in _plays(path, variable_manager, loader)]
    found = [play.get_name() for play in plays for _ in range(count_deploy_roles(play))]
    if len(found) > 1:
        names = ", ".join(repr(name) for name in dict.fromkeys(found))
        raise UsageError(
            f"a deployment is one application, and this playbook deploys more, in play {names}",
            hint="make a playbook for each; or --limit to the hosts of one play",
        )


def _plays(playbook: str, variable_manager: Any, loader: Any) -> list[Any]:
    resource = _get_collection_playbook_path(playbook)
    path = playbook if resource is None else resource[1]
    plays = Playbook.load(path, variable_manager, loader).get_plays()
    return [play for play in plays if _has_hosts(play, variable_manager, loader)]


def _has_hosts(play: Any, variable_manager: Any, loader: Any) -> bool:
    templar = Templar(loader=loader, variables=variable_manager.get_vars(play=play))
    try:
        hosts = templar.template(play.hosts)
    except AnsibleError:
        # known only later: it may well have some
        return True
    return bool(variable_manager._inventory.get_hosts(hosts))
