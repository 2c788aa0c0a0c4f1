"""Show which host runs which release: commit, when, by whom, whole or edited by hand."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Sequence

from herder import deployments
from herder.cli.deploy_words import split_words
from herder.cli.fleet_tables import releases_table
from herder.cli.printing import printer

USAGE = """\
usage: herder releases PLAYBOOK -i INVENTORY [--json] [options of ansible-playbook]
"""


def main(words: Sequence[str]) -> int:
    """Show the table; 4 when a host could not be asked."""
    ours, rest = split_words(words, "releases")
    if ours.is_help:
        sys.stdout.write(USAGE)
        return 0
    code, hosts = deployments.releases(rest)
    if hosts is None:
        return code
    if ours.is_json:
        facts = {host: dataclasses.asdict(each) for host, each in hosts.items()}
        sys.stdout.write(json.dumps(facts, indent=2, default=str) + "\n")
    else:
        printer().table(releases_table(hosts))
    return code or (4 if any(each.failure for each in hosts.values()) else 0)
