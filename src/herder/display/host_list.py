"""Host names in a bounded width: 'web1, web2 (+8)'."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len


def fold_hosts(hosts: Sequence[str], width: int) -> str:
    """Give as many names as fit in `width` cells, at least one, and how many more there are."""
    whole = ", ".join(hosts)
    if cell_len(whole) <= width or len(hosts) < 2:
        return whole
    for shown in range(len(hosts) - 1, 1, -1):
        text = _with_rest(hosts, shown)
        if cell_len(text) <= width:
            return text
    return _with_rest(hosts, 1)


def _with_rest(hosts: Sequence[str], shown: int) -> str:
    return f"{', '.join(hosts[:shown])} (+{len(hosts) - shown})"


def counted(number: int, noun: str) -> str:
    """Give '1 host' or '3 hosts'."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
