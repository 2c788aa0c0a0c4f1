"""Collections' routing tables kept from run to run: parsing ansible-core's own takes 0.1 s.

A table is looked up by the YAML that it was made from: it can only be right or missing.

*Source*: ansible-core 2.19 utils/collection_loader/_collection_meta.py, `_meta_yml_to_dict`, which
may be exchanged for an implementation that caches.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable
from typing import Any

from ansible.utils.collection_loader import _collection_finder

from herder.kept_file import KeptFile

WORTHWHILE_BYTES = 4096


def keep_routing(kept: KeptFile) -> None:
    """Let ansible-core's collection loader find its tables in `kept`."""
    original = _collection_finder._meta_yml_to_dict
    parse = getattr(original, "herder_original", original)
    if parse is not None:
        _collection_finder._meta_yml_to_dict = _keeping(parse, kept.section("routing"))


def _keeping(parse: Callable[..., Any], tables: dict[bytes, bytes]) -> Callable[..., Any]:
    def read(content: bytes | str, content_id: Any) -> Any:
        data = content.encode() if isinstance(content, str) else content
        if len(data) < WORTHWHILE_BYTES:
            return parse(content, content_id)
        if data in tables:
            return marshal.loads(tables[data])
        table = parse(content, content_id)
        _keep(tables, bytes(data), table)
        return table

    read.herder_original = parse  # type: ignore[attr-defined] # marks what is exchanged
    return read


def _keep(tables: dict[bytes, bytes], data: bytes, table: Any) -> None:
    try:
        text = marshal.dumps(table)
    except ValueError:
        return
    if marshal.loads(text) == table:
        tables[data] = text
