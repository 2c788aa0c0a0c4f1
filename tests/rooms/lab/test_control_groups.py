"""lab/control_groups.py: groups come and go by themselves while a lab looks at them."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

from herder.lab.control_groups import _remove_tree

TIMES = 300


def test_a_group_that_goes_meanwhile_does_not_disturb_its_removal(tmp_path: Path) -> None:
    """A machine's systemd removes the group of a session that ends just then."""
    group = tmp_path / "machine"
    is_over = threading.Event()

    def come_and_go() -> None:
        while not is_over.is_set():
            with contextlib.suppress(OSError):
                deep = group / "user.slice/user-0.slice/session-1.scope/a/b"
                deep.mkdir(parents=True)
                for path in (deep, *list(deep.parents)[:4]):
                    path.rmdir()

    machine = threading.Thread(target=come_and_go)
    machine.start()
    try:
        for _ in range(TIMES):
            _remove_tree(group)
    finally:
        is_over.set()
        machine.join()

    assert _remove_tree(group)
    assert not group.exists()
