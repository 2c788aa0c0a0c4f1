"""Leads a host back: by the play, aimed at what the host served; else by its link alone."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from herder.model.fleet import Fleet, HostStory, RoleKind
from herder.release.answers import SWITCH_MODULE, failure_of, layout

COMMAND_MODULE = "ansible.builtin.command"
GUARD_COMMAND = "deploy_guard_command"
RELOADED = f"; its link was changed without the play, and {GUARD_COMMAND} was run"
# Whatever failed stands before what would let visitors in again.
STAYS_OUT = "; on the way back: it may get no visitors"
NOT_RELOADED = "; its link was changed without the play: reload what serves it"


def aim_at(fleet: Fleet, host: str, release: str) -> None:
    """Let a host's next switch go to a release that it has."""
    values = fleet.values(host)
    _aim(fleet, host, release, f"{values.deploy_to}/{values.version_dir}/{release}")


def aim_back(fleet: Fleet, story: HostStory, release: str) -> None:
    """Let a host go back to what it served; it leaves `release`.

    Where that is a folder outside the releases, it has no name to switch to: the switch is undone.
    """
    if not story.was.startswith("/"):
        fleet.set_on(story.host, {"deploy_phase": "switch"})
        aim_at(fleet, story.host, story.was)
    elif fleet.role is RoleKind.HERDER:
        fleet.set_on(story.host, {"deploy_phase": "take_back"})
        aim_at(fleet, story.host, release)
    else:
        values = fleet.values(story.host)
        way = os.path.relpath(story.was, f"{values.deploy_to}/{values.version_dir}")
        _aim(fleet, story.host, way, story.was)


def _aim(fleet: Fleet, host: str, release: str, path: str) -> None:
    names = ("deploy_release_version", "ansistrano_release_version")
    fleet.set_on(host, dict.fromkeys(names, release) | {"ansistrano_release_path": path})


def lead_back(fleet: Fleet, stories: Sequence[HostStory], token: int) -> Mapping[str, str]:
    """Change the links of hosts that the play did not lead back: what drains them may be down.

    Runs what a guard would run afterwards. Gives what was done for each host that went back.
    """
    words = {story.host: _way(story) | {"token": token} for story in stories}
    orders = {host: layout(fleet, host) | order for host, order in words.items()}
    answers = fleet.ask(SWITCH_MODULE, orders) if orders else {}
    back = [host for host in orders if not failure_of(answers.get(host, {}))]
    commands = {host: fleet.variable(host, GUARD_COMMAND) for host in back}
    reloads = {host: {"argv": command} for host, command in commands.items() if command}
    said = fleet.ask(COMMAND_MODULE, reloads) if reloads else {}
    is_reloaded = {host: host in said and not failure_of(said[host]) for host in back}
    return {host: RELOADED if is_reloaded[host] else NOT_RELOADED for host in back}


def _way(story: HostStory) -> dict[str, object]:
    if story.was.startswith("/"):
        return {"action": "revert", "release": story.became}
    # The release that is left stays there as a failed one: what serves may still read its files.
    return {"action": "rollback", "release": story.was, "reject": True, "why": "taken back"}
