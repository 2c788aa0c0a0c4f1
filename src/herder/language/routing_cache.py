"""Collections' routing tables kept from run to run: parsing ansible-core's own takes 0.1 s.

The tables hold text only, so JSON gives them back as they were. An entry is named by the digest of
the YAML that it was made from: it can only be right or missing.

*Source*: ansible-core 2.19 utils/collection_loader/_collection_meta.py, `_meta_yml_to_dict`, which
may be exchanged for an implementation that caches.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible.utils.collection_loader import _collection_finder

WORTHWHILE_BYTES = 4096


def keep_routing(directory: Path) -> None:
    """Let ansible-core's collection loader read its tables through a cache in `directory`."""
    original = _collection_finder._meta_yml_to_dict
    parse = getattr(original, "herder_original", original)
    if parse is not None:
        _collection_finder._meta_yml_to_dict = _keeping(parse, directory)


def _keeping(parse: Callable[..., Any], directory: Path) -> Callable[..., Any]:
    def read(content: bytes | str, content_id: Any) -> Any:
        data = content.encode() if isinstance(content, str) else content
        if len(data) < WORTHWHILE_BYTES:
            return parse(content, content_id)
        file = directory / hashlib.sha256(data).hexdigest()
        table = _loaded(file)
        if table is None:
            table = parse(content, content_id)
            _store(file, table)
        return table

    read.herder_original = parse  # type: ignore[attr-defined] # marks what is exchanged
    return read


def _loaded(file: Path) -> Any:
    try:
        table = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None
    return table if isinstance(table, dict) else None


def _store(file: Path, table: Any) -> None:
    """Keep the table; without room or permission nothing is kept and nothing is said."""
    temporary = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        text = json.dumps(table)
        if json.loads(text) != table:
            return
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(file)
    except (OSError, TypeError, ValueError):
        temporary.unlink(missing_ok=True)
