"""What one scenario is: its material, what goes before each run, its end state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from benchmarks.peers import Job, Start

ANSIBLE_PEERS = ("herder", "mitogen", "ansible-pipelined", "ansible")
ALL_PEERS = ("herder", "floor", "pyinfra", "mitogen", "ansible-pipelined", "ansible")

STAMP = "/tmp/herder-bench.stamp"


class WrongState(Exception):
    """A run ended well and left something else on a server than it should."""


def _nothing(_job: Job) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Scenario:
    """One row of the table; `group` is the name it is asked for by."""

    group: str
    name: str
    title: str
    peers: tuple[str, ...]
    write: Callable[[Job], None]
    hosts: int = 10
    counted_hosts: int | None = None
    """How many hosts there are, where they are not the lab's servers."""
    runs: int | None = None
    first: str = ""
    """Shell for every server, once before all runs."""
    before: str = ""
    """Shell for every server, before each run, not timed."""
    check: Callable[[Job], None] = _nothing
    settle: bool = False
    """Run the floor or Herder once before the timed runs: they shall change nothing."""
    again: bool = False
    """Time the second of two runs, so that connections stand; else none does when a run begins."""
    delay_ms: float = 0
    starts: Mapping[str, Callable[[Job], Start]] = field(default_factory=dict)
    """How a peer is started where it is not by its playbook, deploy or script."""


def find_state(root: str) -> str:
    """Give shell that prints type, mode and path of all below, then the files' digests."""
    return (
        f"find {root} -mindepth 1 \\( -type d -o -type f -o -type l \\) -printf '%y %m %p\\n'\n"
        f"find {root} -type f -exec sha256sum {{}} +\n"
    )


def require(is_right: bool, host: str, text: str) -> None:  # noqa: FBT001 - reads as a sentence
    """*Raises*: WrongState."""
    if not is_right:
        raise WrongState(f"{host}: {text}")
