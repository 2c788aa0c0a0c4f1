"""Session tests have a home of their own, and one throwaway ssh server for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.sessions import home_at
from tests.support.ssh_server import SshServer, server_or_skip


@pytest.fixture(scope="session")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a home whose cache fills as the tests go on."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def _home(shared_home: Path) -> Iterator[None]:
    with home_at(shared_home):
        yield


@pytest.fixture(scope="session")
def ssh_server() -> Iterator[SshServer]:
    """Give a running server with users of its own."""
    with server_or_skip() as server:
        yield server
