"""Routing tables of collections are kept as ansible-core reads them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ansible
import pytest
from ansible.utils.collection_loader import _collection_finder
from ansible.utils.collection_loader._collection_meta import _meta_yml_to_dict

from herder.kept_file import KeptFile
from herder.language.shortcuts.routing import keep_routing

TABLE = (Path(ansible.__file__).parent / "config" / "ansible_builtin_runtime.yml").read_bytes()


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[KeptFile]:
    """Give a file that routing tables are kept in, for one test."""
    before = _collection_finder._meta_yml_to_dict
    kept = KeptFile(tmp_path / "kept")
    keep_routing(kept)
    yield kept
    _collection_finder._meta_yml_to_dict = before


def _read(content: Any) -> Any:
    return _collection_finder._meta_yml_to_dict(content, ("ansible.builtin", "runtime.yml"))


def test_a_kept_table_is_the_one_that_was_read(kept: KeptFile) -> None:
    """A plugin that is not found where it moved to fails a run."""
    expected = _meta_yml_to_dict(TABLE, "a table")

    assert _read(TABLE) == expected
    assert _read(TABLE.decode()) == expected
    assert len(kept.section("routing")) == 1


def test_what_is_done_to_a_table_is_not_kept(kept: KeptFile) -> None:
    """ansible-core completes names in the tables it has read."""
    _read(TABLE)["plugin_routing"] = None

    assert _read(TABLE)["plugin_routing"]
