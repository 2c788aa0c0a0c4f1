"""Host names in the order people count: web2 before web10."""

from __future__ import annotations

import re
from collections.abc import Iterable

_DIGITS = re.compile(r"(\d+)")


def natural_key(host: str) -> tuple[tuple[int, int, str], ...]:
    """Give what to sort a host's name by."""
    parts = _DIGITS.split(host)
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts)


def sort_hosts(hosts: Iterable[str]) -> list[str]:
    return sorted(hosts, key=natural_key)


def without_name(text: str, host: str) -> str:
    """Give the text with the host's own name taken out, so that texts of two hosts can be equal."""
    if host not in text:
        return text
    return re.sub(rf"(?<![\w.-]){re.escape(host)}(?![\w-])", "", text)
