"""Pools and routes for tests that talk to a real agent on this machine."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from herder.model.route import LocalWay, Route, Way
from herder.session.connection import SessionLimits
from herder.session.host_session import HostSession
from herder.session.pool import SessionPool
from tests.support.pythons import THIS


@asynccontextmanager
async def open_pool(limits: SessionLimits | None = None) -> AsyncIterator[SessionPool]:
    """Give a pool that is closed in the end."""
    pool = SessionPool(limits=limits)
    try:
        yield pool
    finally:
        await pool.close()


@asynccontextmanager
async def open_session(
    python: str = THIS, *, way: Way | None = None, limits: SessionLimits | None = None
) -> AsyncIterator[HostSession]:
    """Give a session on this machine, closed in the end."""
    async with open_pool(limits) as pool:
        session = await pool.get(Route("here", way or LocalWay(), (python,)))
        assert isinstance(session, HostSession)
        yield session


@contextmanager
def home_at(folder: Path) -> Iterator[None]:
    """Let agents find their home and cache in this folder."""
    before = os.environ["HOME"]
    os.environ["HOME"] = str(folder)
    try:
        yield
    finally:
        os.environ["HOME"] = before


def is_alive(process_id: int) -> bool:
    """Whether a process runs (one that has ended but was not waited for does not)."""
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in ("Z", "X")


def has_ended(process_id: int, seconds: float) -> bool:
    """Whether a process ends in this time."""
    end = time.monotonic() + seconds
    while is_alive(process_id) and time.monotonic() < end:
        time.sleep(0.05)
    return not is_alive(process_id)
