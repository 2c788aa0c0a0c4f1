"""Notes each PLAY RECAP of a process; its text is put at the top of the commands under test.

Both engines print through ansible-core's Display in their main process. Reading their output
instead would miss runs whose output a target redirects, and change what they see as a terminal.
Imports nothing of ours: it travels as text.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from typing import Any


class Recorder:
    """Sees what Display shows; writes one JSON line for this process at its end."""

    COLOUR = re.compile(r"\x1b\[[0-9;]*m")
    HOST = re.compile(r"^(\S.*?)\s*: (ok=\d+\s+changed=\d+.*)$")

    def __init__(self, file: str) -> None:
        self.file = file
        self.process = os.getpid()
        self.recap: dict[str, dict[str, int]] | None = None

    def run(self, main: Callable[[], Any]) -> None:
        """Run the command's entry as its console script would, then write the record."""
        code: object = 1
        try:
            self.watch_display()
            code = main()
        except SystemExit as end:
            code = end.code
        finally:
            self.write(code)
        sys.exit(code)  # type: ignore[arg-type]  # what SystemExit held

    def watch_display(self) -> None:
        try:
            from ansible.utils.display import Display
        except Exception:  # noqa: BLE001  # a bad configuration: the command itself will say so
            return
        original = Display.display

        def display(shown_by: Any, msg: Any, *args: Any, **options: Any) -> Any:
            if not options.get("log_only"):
                self.see(str(msg))
            return original(shown_by, msg, *args, **options)

        Display.display = display

    def see(self, message: str) -> None:
        text = self.COLOUR.sub("", message).strip("\n")
        if text.startswith("PLAY RECAP"):
            self.recap = {}
        elif self.recap is not None and (found := self.HOST.match(text)):
            counts = re.findall(r"(\w+)=(\d+)", found[2])
            self.recap[found[1]] = {name: int(count) for name, count in counts}

    def write(self, code: object) -> None:
        if os.getpid() != self.process:
            return
        line = json.dumps({"words": sys.argv, "code": str(code), "recap": self.recap or {}})
        try:
            with open(self.file, "a") as record:  # noqa: PTH123  # the command's start time counts
                record.write(line + "\n")
        except OSError as error:
            sys.stderr.write(f"recorder: {error}\n")
