"""Run one module on hosts: a drop-in for the ad-hoc command ansible."""

from __future__ import annotations

from collections.abc import Sequence

from herder.cli.early import run_early


def main(words: Sequence[str]) -> int:
    """Run the module that `words` name on the hosts they match; ansible's exit code."""
    return run_early("module", words, program="herder run")
