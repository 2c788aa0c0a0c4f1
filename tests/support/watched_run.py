"""Runs `herder WORDS`; writes what was started or imported, in its order, to the first word's file.

Two things are of interest: `ssh`, each time a process of it is started, and `ansible`, once.
Importing that takes as long as there is a file `importing` beside the other.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any


class Watch:
    """An audit hook that notes the two."""

    def __init__(self, path: Path) -> None:
        self._pause = path.with_name("importing")
        self._file = path.open("w", encoding="utf-8", buffering=1)
        self._has_ansible = False

    def __call__(self, event: str, details: tuple[Any, ...]) -> None:
        if event == "subprocess.Popen" and Path(str(details[0])).name == "ssh":
            self._file.write("ssh\n")
        elif event == "import" and details[0] == "ansible" and not self._has_ansible:
            self._has_ansible = True
            self._file.write("ansible\n")
            while self._pause.exists():
                time.sleep(0.01)


if __name__ == "__main__":
    sys.addaudithook(Watch(Path(sys.argv[1])))
    # after the hook on purpose: what this imports is watched
    from herder.cli.main import main

    sys.exit(main(sys.argv[2:]))
