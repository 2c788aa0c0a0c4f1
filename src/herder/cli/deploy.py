"""Put a release on all hosts as one transaction: staged everywhere, switched in batches."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from herder import deployments
from herder.cli.deploy_words import DeployWords, split_words, wishes_of
from herder.cli.fleet_tables import plan_tables, story_table
from herder.cli.printing import printer

USAGE = """\
usage: herder deploy PLAYBOOK -i INVENTORY [options of ansible-playbook]

  --plan, --check   show what would happen, change nothing
  --catch-up        bring hosts that lack the release most hosts serve to it; nothing else
  --release NAME    the name of the release; default: the time, in UTC
  --message TEXT    why, for the log on every host
  --wait SECONDS    wait that long for another deployment to end; default: do not wait
"""


def main(words: Sequence[str]) -> int:
    """Deploy; 0 when every host serves the release, 2 or 4 when none or not all do."""
    ours, rest = split_words(words, "deploy")
    if ours.is_help:
        sys.stdout.write(USAGE)
        return 0
    if ours.is_plan:
        return _plan(ours, rest)
    deployed = deployments.deploy(rest, wishes_of(ours))
    if deployed.story.hosts:
        printer().table(story_table(deployed.story, deployed.exit_code))
    return deployed.exit_code


def _plan(ours: DeployWords, rest: Sequence[str]) -> int:
    code, plan = deployments.plan(rest)
    if plan is None:
        return code
    out = printer()
    for number, table in enumerate(plan_tables(plan, ours.release or plan.release)):
        if number:
            out.line()
        out.table(table)
    return code or (2 if plan.findings else 0)
