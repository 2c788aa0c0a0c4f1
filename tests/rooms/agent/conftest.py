"""Every agent test has a home of its own, and runs under each Python of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.pythons import target_pythons
from tests.support.sessions import home_at


@pytest.fixture(params=target_pythons().items(), ids=lambda item: item[0])
def python(request: pytest.FixtureRequest) -> str:
    """Give the path of one interpreter."""
    return str(request.param[1])


@pytest.fixture(scope="session")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a home whose cache fills as the tests go on."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def _home(shared_home: Path) -> Iterator[None]:
    with home_at(shared_home):
        yield
