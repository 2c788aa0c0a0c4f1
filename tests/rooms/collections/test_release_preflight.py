"""Preflight: every finding is a sentence, and looking changes nothing."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.herder.deploy.plugins.module_utils import release_preflight as preflight
from ansible_collections.herder.deploy.plugins.module_utils import release_staging as staging
from ansible_collections.herder.deploy.plugins.module_utils import release_switch as switches
from ansible_collections.herder.deploy.plugins.module_utils.release_layout import Layout


@pytest.fixture
def layout(tmp_path: Path) -> Any:
    """Give a host with one release that serves."""
    place = Layout(str(tmp_path / "site"))
    os.makedirs(place.releases)
    order = {"release": "a", "deploy_to": place.root, "token": None}
    staging.carry_out(place, dict(order, steps=["begin"]), is_check=False)
    os.mkdir(place.release("a"))
    staging.carry_out(place, dict(order, steps=["seal"]), is_check=False)
    switches.switch(place, "a", None, {})
    return place


@contextlib.contextmanager
def listening() -> Iterator[int]:
    """Give a port that answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def failures(layout: Any, **wishes: Any) -> list[str]:
    """Give the names of the checks that did not pass."""
    return [each["check"] for each in preflight.inspect(layout, wishes) if not each["ok"]]


def snapshot(layout: Any) -> list[str]:
    """List all that is there, with times."""
    return sorted(
        f"{base}/{name} {os.lstat(os.path.join(base, name)).st_mtime_ns}"
        for base, directories, names in os.walk(layout.root)
        for name in [*directories, *names]
    )


def test_healthy_host_passes_and_nothing_changes(layout: Any) -> None:
    """Preflight runs on a live site."""
    before = snapshot(layout)

    with listening() as port:
        wishes = {
            "reach": [{"host": "127.0.0.1", "port": port}],
            "runtimes": [{"command": "python3 --version", "version": ">=3.6"}],
            "commands": ["true"],
            "controller_epoch": time.time(),
        }
        assert failures(layout, **wishes) == []

    assert snapshot(layout) == before


def test_new_host_passes(tmp_path: Path) -> None:
    """The first deployment has nothing to look at yet."""
    assert failures(Layout(str(tmp_path / "new" / "site"))) == []


def test_everything_that_is_wrong_is_found_at_once(layout: Any) -> None:
    """One table with all of it, not one finding a try."""
    wishes = {
        "need_bytes": 1 << 60,
        "need_inodes": 1 << 50,
        "need_target": True,
        "reach": [{"host": "127.0.0.1", "port": 1, "name": "database"}],
        "runtimes": [
            {"command": "python3 --version", "version": ">=99"},
            {"command": ["no-such-program"]},
        ],
        "commands": ["echo why >&2; exit 3"],
        "controller_epoch": time.time() - 60,
    }

    assert failures(layout, **wishes) == [
        "disk-bytes",
        "disk-inodes",
        "target",
        "runtime python3",
        "runtime no-such-program",
        "reach database",
        "command",
        "clock",
    ]


@pytest.mark.parametrize(
    "wishes",
    [
        {"reach": [{"host": "127.0.0.1", "port": "http"}]},
        {"reach": [{"host": "127.0.0.1", "port": 1 << 20}]},
        {"reach": [{"host": "127.0.0.1"}]},
        {"runtimes": [{"command": ""}]},
    ],
)
def test_wish_that_makes_no_sense_is_a_finding_too(layout: Any, wishes: dict[str, Any]) -> None:
    """A port's name, a number too many, an empty variable: told with all the others."""
    (found,) = failures(layout, **wishes)

    assert found.startswith(("reach ", "runtime "))


def test_dangling_link_is_found(layout: Any) -> None:
    """What serves now is broken: known before, so the new release is not blamed for it."""
    os.rename(layout.release("a"), layout.release("gone"))

    assert failures(layout) == ["current"]


def test_half_built_release_that_serves_is_found(layout: Any) -> None:
    """It should never be; if it is, people should know."""
    Path(layout.marker("a")).write_text("{}")

    assert failures(layout) == ["current"]


def test_real_directory_in_place_of_the_link_is_found(layout: Any) -> None:
    """The switch would refuse it, so the preflight says so first."""
    os.unlink(layout.current)
    os.mkdir(layout.current)

    assert failures(layout) == ["current"]


@pytest.mark.parametrize(
    ("seen", "wanted", "expected"),
    [
        ("8.1.2", ">=8.1", True),
        ("8.0.30", ">=8.1", False),
        ("3.11.7", "3.11", True),
        ("3.1", "3.11", False),
        ("3.9", ">=3.8,<4", True),
        ("4.0", ">=3.8,<4", False),
        ("10.2", ">9.9", True),
        ("1.0", "==1", True),
        ("1.0", "!=1.0.0", False),
        ("1.0", "nonsense", False),
    ],
)
def test_versions(seen: str, wanted: str, *, expected: bool) -> None:
    """Numbers, not letters: 10 is more than 9."""
    assert preflight.satisfies(seen, wanted) is expected


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, "0 B"), (2048, "2.0 KiB"), (82397532160, "77 GiB"), (1 << 60, "1048576 TiB")],
)
def test_sizes_are_told_as_people_read_them(count: int, expected: str) -> None:
    """A table with eleven digits is not read."""
    assert preflight._size(count) == expected
