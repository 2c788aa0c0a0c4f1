"""A cloud of a test's own, and what plays MooTube's playbooks against it."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from herder.lab import cloud
from herder.lab.cloud import Instance
from herder.lab.cloud_state import CloudState
from herder.lab.mootube import VAULT_PASSWORD_FILE, find_example
from herder.lab.place import LabPlace
from tests.support.two_engines import without_ansible

HAS_EXTRAS = all(map(importlib.util.find_spec, ("moto", "boto3", "ansible_collections")))
"""Whether the extras cloud and aws are installed here."""


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended; `output` is what it printed for programs, `text` all of it."""

    exit_code: int
    output: str = field(repr=False)
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CloudPlays:
    """Runs commands as a person does who has the variables of `herder lab cloud env`."""

    place: LabPlace
    state: CloudState

    def herder(self, *words: str, **variables: str) -> Said:
        """Run a command of Herder's in MooTube's folder."""
        return self.run([sys.executable, "-m", "herder", *words], variables)

    def playbook(self, name: str, *words: str, **variables: str) -> Said:
        return self.herder("playbook", name, *self.options(), *words, **variables)

    def aws(self, *words: str, **variables: str) -> Said:
        """Run the aws command."""
        program = str(Path(sys.executable).with_name("aws"))
        return self.run([program, *words, "--output", "text"], variables)

    def run(self, words: list[str], variables: Mapping[str, str]) -> Said:
        # MooTube's own ansible.cfg counts, not the one of the tests.
        environment = {**without_ansible(), **self.state.environment(), **variables}
        done = subprocess.run(
            words,
            cwd=find_example().ansible_folder,
            env={**environment, "ANSIBLE_NOCOLOR": "1", "COLUMNS": "200"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stdout + done.stderr)

    def options(self) -> list[str]:
        """Give what every play needs: the vault's password, and the lab's key to log in with."""
        key = self.place.key_file
        return [
            *("--vault-password-file", VAULT_PASSWORD_FILE),
            *("--private-key", str(key)),
            *("-e", f"public_key_file={key}.pub"),
            *("-e", f"ansible_playbook_python={sys.executable}"),
        ]

    def living(self) -> list[Instance]:
        """Give the instances that are neither gone nor going."""
        return [
            instance
            for instance in cloud.show(self.state)
            if instance.state not in ("shutting-down", "terminated")
        ]
