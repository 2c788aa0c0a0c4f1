"""The log of deployments on a host: one JSON object a line, oldest first."""

from __future__ import annotations

import json
import os
from typing import List

from ansible_collections.herder.deploy.plugins.module_utils.release_layout import (
    Json,
    Layout,
    keep_owner,
)

LINE_LIMIT_BYTES = 4096
KEPT_BYTES = 1 << 20


def append(layout: Layout, line: Json) -> Json:
    """Add one line in a single write, so that two writers never mix; gives the line."""
    layout.prepare()
    text = json.dumps(
        {key: value for key, value in line.items() if value is not None}, sort_keys=True
    )
    if len(text) >= LINE_LIMIT_BYTES:
        text = json.dumps(_shortened(line), sort_keys=True)
    _keep_small(layout.log)
    descriptor = os.open(layout.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        keep_owner(descriptor, layout.log)
        os.write(descriptor, _start(layout.log) + text.encode("utf-8") + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return line


def _start(path: str) -> bytes:
    """Give the newline that a line cut by a full disk or power cut still lacks."""
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        if not size:
            return b""
        file.seek(size - 1)
        return b"" if file.read(1) == b"\n" else b"\n"


def _shortened(line: Json) -> Json:
    return {
        key: value[:200] if isinstance(value, str) else value
        for key, value in line.items()
        if not isinstance(value, (dict, list))
    }


def _keep_small(path: str) -> None:
    """Move a log of a megabyte aside; one old one is kept."""
    try:
        if os.path.getsize(path) > KEPT_BYTES:
            os.rename(path, path + ".1")
    except FileNotFoundError:
        return


def read(layout: Layout, limit: int = 20) -> List[Json]:
    """Give the newest lines, oldest of them first; lines that were cut are left out."""
    try:
        with open(layout.log, encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return []
    found = []
    for line in lines[-limit:] if limit else ():
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            found.append(value)
    return found
