"""Tell what would bite a site on several servers: its database, sessions, files, clocks."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Sequence

from herder import deployments
from herder.cli.command_parser import CommandParser
from herder.cli.printing import printer
from herder.display.host_list import counted
from herder.display.table import Column, Row, Table, Tone
from herder.model.readiness import Finding

USAGE = """\
usage: herder check PLAYBOOK -i INVENTORY [--json] [options of ansible-playbook]

PLAYBOOK is one that deploys with the role herder.deploy.app or Ansistrano; nothing is changed.
"""


def main(words: Sequence[str]) -> int:
    """Check; 0 when nothing was found, 2 when something was."""
    parser = CommandParser(prog="herder check", add_help=False, allow_abbrev=False)
    parser.add_argument("-h", "--help", action="store_true")
    parser.add_argument("--json", action="store_true")
    ours, rest = parser.parse_known_args(list(words))
    if ours.help:
        sys.stdout.write(USAGE)
        return 0
    code, findings = deployments.check(rest)
    if findings is None:
        return code
    if ours.json:
        facts = [dataclasses.asdict(finding) for finding in findings]
        sys.stdout.write(json.dumps(facts, indent=2) + "\n")
    elif findings:
        _print(findings)
    else:
        printer().line("Ready for many servers: nothing was found.", Tone.GOOD)
    return code or (2 if findings else 0)


def _print(findings: Sequence[Finding]) -> None:
    """Print each kind of finding once, with its hosts and what was seen there."""
    kinds: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in findings:
        kinds.setdefault((finding.what, finding.why, finding.todo), []).append(finding)
    for (what, why, todo), found in kinds.items():
        rows = tuple(Row((finding.host, finding.evidence), Tone.NOTICE) for finding in found)
        columns = (Column("host"), Column("seen", is_prose=True))
        printer().table(Table(what, columns, rows, notes=(f"why: {why}", f"do: {todo}")))
        printer().line()
    hosts = {finding.host for finding in findings}
    text = f"{counted(len(findings), 'finding')} on {counted(len(hosts), 'host')}"
    printer().line(text, Tone.BAD)
