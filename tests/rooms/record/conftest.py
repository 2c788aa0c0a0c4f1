"""What the tests of the record share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from herder.record.history import History

Ask = Callable[[], History]


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Ask]:
    """Give a way to open the record of `tmp_path`, as it is then; all are closed at the end."""
    with ExitStack() as opened:
        yield lambda: opened.enter_context(closing(History(tmp_path)))
