"""What every test gets: no settings of the caller's, and a fence around blocking calls."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from blockbuster import blockbuster_ctx

# ansible-core reads its configuration when it is first imported, so before any test module.
for name in [name for name in os.environ if name.startswith(("ANSIBLE_", "HERDER_"))]:
    del os.environ[name]
os.environ["ANSIBLE_CONFIG"] = str(Path(__file__).parent / "support" / "ansible.cfg")

# What a shell or nohup starts in the background ignores these, and so does all that it starts.
for number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)

NEVER_BLOCKING = ("session", "transport")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have the files whose tests may take longest come first: one would run alone at the end."""
    limits: dict[Path, float] = {}
    for item in items:
        limit = item.get_closest_marker("timeout")
        seconds = float(limit.args[0]) if limit is not None and limit.args else 0.0
        limits[item.path] = max(seconds, limits.get(item.path, 0.0))
    items.sort(key=lambda item: -limits[item.path])


@pytest.fixture(autouse=True)
def fence_around_blocking_calls(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test in whose course one of these rooms blocks the event loop."""
    rooms = Path(__file__).parent / "rooms"
    room = next((name for name in NEVER_BLOCKING if rooms / name in request.path.parents), None)
    if room is None:
        yield
        return
    with blockbuster_ctx(f"herder.{room}") as fence:
        # starting a program waits for its exec, here as in asyncio's own subprocesses
        fence.functions["os.read"].can_block_in("subprocess.py", {"_execute_child"})
        yield
