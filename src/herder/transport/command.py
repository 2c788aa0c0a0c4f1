"""The way through any command that runs a shell line elsewhere (docker exec, kubectl exec, ...)."""

from __future__ import annotations

from herder.model.route import CommandWay
from herder.transport.process import Program


def command_program(way: CommandWay, line: str) -> Program:
    """Give the program that runs a shell line at the command's other end."""
    return Program((*way.command, line))
