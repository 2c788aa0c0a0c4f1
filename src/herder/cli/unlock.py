"""Show who holds the lease of a fleet, since when and how far, and break it when told to."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from herder import deployments
from herder.cli.deploy_words import split_words
from herder.cli.printing import printer
from herder.model.releases import HostReleases, holder_text

USAGE = """\
usage: herder unlock PLAYBOOK -i INVENTORY [--yes] [options of ansible-playbook]

A lease whose owner is gone ends by itself within 30 seconds; break one only when you know why.
"""


def main(words: Sequence[str]) -> int:
    """Show the lease and ask; 0 when nobody holds it afterwards."""
    ours, rest = split_words(words, "unlock")
    if ours.is_help:
        sys.stdout.write(USAGE)
        return 0
    held: list[str] = []

    def may_break(hosts: Mapping[str, HostReleases]) -> bool:
        held.extend(hosts)
        for host, each in hosts.items():
            printer().line(f"{host}: {holder_text(each.holder)}")
        return ours.is_yes or _agrees()

    code, is_broken = deployments.unlock(rest, may_break)
    if not held:
        printer().line("nobody holds a lease on these hosts")
    elif is_broken:
        printer().line(f"broken on {', '.join(held)}")
    else:
        printer().line("nothing was broken; `--yes` breaks it without asking")
    return code or (0 if is_broken or not held else 2)


def _agrees() -> bool:
    if not sys.stdin.isatty():
        return False
    try:
        return input("break it? (yes/no) ").strip().lower() in {"y", "yes"}
    except EOFError:  # Ctrl-D is no yes
        sys.stdout.write("\n")
        return False
