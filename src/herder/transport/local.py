"""The way to the controller itself: a shell."""

from __future__ import annotations

from herder.transport.process import Program


def local_program(line: str, shell: str) -> Program:
    """Give the program that runs a shell line here."""
    return Program((shell, "-c", line))
