"""Runs plays on the machines of a lab, and looks at the machines behind the engine's back."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from herder.lab.control_groups import group_processes
from herder.lab.machines import Machines
from tests.support.two_engines import HERDER, SOURCE, without_ansible

# As a login has it.
ROOT = ("HOME=/root", "USER=root", "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")

Done = subprocess.CompletedProcess[str]


def first_process(machines: Machines, name: str) -> int | None:
    """Give a machine's first process, by its number on this host; None where it does not run."""
    numbers = group_processes(f"{machines.place.prefix}{name}")
    return next((number for number in numbers if _number_inside(number) == "1"), None)


def _number_inside(number: int) -> str:
    try:
        lines = Path(f"/proc/{number}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        # it has ended meanwhile
        return ""
    return next(line.split()[-1] for line in lines if line.startswith("NSpid:"))


@dataclass(frozen=True)
class LabPlays:
    """Plays from a folder on a lab's machines; `engine` is the command that plays them."""

    machines: Machines
    folder: Path
    engine: Sequence[str] = HERDER

    def program(self, name: str) -> str:
        """Give the path of a program beside the Python that runs the tests."""
        return str(Path(sys.executable).with_name(name))

    def tasks(self, *tasks: object, words: tuple[str, ...] = (), **keywords: object) -> Done:
        """Run one play with these tasks on all machines (or on `hosts`)."""
        play = {"hosts": "lab", "gather_facts": False, "tasks": list(tasks)} | keywords
        return self.text(json.dumps([play]), *words)

    def text(self, text: str, *words: str) -> Done:
        """Run a playbook of this text."""
        return self.done(self.start(text, *words))

    def start(self, text: str, *words: str) -> subprocess.Popen[str]:
        """Start a playbook of this text; `done` waits for it."""
        (self.folder / "site.yml").write_text(text)
        (self.folder / "ansible.cfg").write_text("[defaults]\ninterpreter_python=auto_silent\n")
        inventory = str(self.machines.place.inventory_file)
        return self.command([*self.engine, "-i", inventory, "site.yml", *words])

    def command(self, words: list[str]) -> subprocess.Popen[str]:
        """Start any command in the folder."""
        return subprocess.Popen(
            words,
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def done(self, process: subprocess.Popen[str], seconds: float = 100) -> Done:
        """Wait for what was started."""
        output, complaints = process.communicate(timeout=seconds)
        return subprocess.CompletedProcess("site.yml", process.returncode, output, complaints)

    def environment(self) -> dict[str, str]:
        """Give a run's environment: nothing of the user's Ansible."""
        state = str(self.folder / "state")
        return {
            **without_ansible(),
            "PYTHONPATH": str(SOURCE),
            "HERDER_STATE_DIRECTORY": state,
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self.folder / "control"),
        }

    def address(self, name: str) -> str:
        """Give a machine's address."""
        return self.machines.state().server(name).address

    def inside(self, name: str, line: str) -> str:
        """Run a line on a machine as root, past ssh and the engine; what it said."""
        number = first_process(self.machines, name)
        if number is None:
            return ""
        words = [
            "nsenter",
            "--all",
            "--target",
            str(number),
            "env",
            "--ignore-environment",
            *ROOT,
            "/bin/sh",
            "-c",
            f"cd\n{line}",
        ]
        return subprocess.run(words, capture_output=True, text=True, check=False).stdout

    def wait_until(self, name: str, line: str, *, seconds: float = 30) -> bool:
        """Say whether a line comes to succeed on a machine in this time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.inside(name, f"({line}) >/dev/null 2>&1 && echo yes") == "yes\n":
                return True
            time.sleep(0.2)
        return False

    def agents_end(self, name: str, *, seconds: float = 30) -> bool:
        """Say whether no agent is left on a machine in this time."""
        return self.wait_until(name, "! pgrep -f '[H]ERDER'", seconds=seconds)
