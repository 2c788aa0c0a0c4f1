"""Take every host back to an earlier release that all of them have."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from herder import deployments
from herder.cli.deploy_words import split_words, wishes_of
from herder.cli.fleet_tables import releases_table, story_table
from herder.cli.printing import printer

USAGE = """\
usage: herder rollback PLAYBOOK -i INVENTORY [options of ansible-playbook]

  --to RELEASE      the release to go back to; default: the one before, that all hosts have whole
  --plan, --check   show where the hosts would go, change nothing
  --message TEXT    why, for the log on every host
  --wait SECONDS    wait that long for another deployment to end; default: do not wait
"""


def main(words: Sequence[str]) -> int:
    """Roll back; 0 when every host serves the earlier release."""
    ours, rest = split_words(words, "rollback")
    if ours.is_help:
        sys.stdout.write(USAGE)
        return 0
    if ours.is_plan:
        return _plan(ours.release, rest)
    deployed = deployments.roll_back(rest, wishes_of(ours))
    if deployed.story.hosts:
        printer().table(story_table(deployed.story, deployed.exit_code))
    return deployed.exit_code


def _plan(wanted: str, rest: Sequence[str]) -> int:
    code, found = deployments.rollback_target(rest, wanted)
    if found is not None:
        hosts, target, stays = found
        printer().table(releases_table(hosts))
        printer().line(f"every host would go to {target}")
        if stays:
            printer().line(stays)
    return code
