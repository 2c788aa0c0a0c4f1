"""Many hosts on one machine: each is an agent in a process of its own, behind a stand-in for ssh.

The stand-in runs what it is told in a shell here. What grows with the number of hosts is then the
controller alone, which is what is measured: its processor seconds and its memory. Every host has
its own folder.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from benchmarks import tasks
from benchmarks.fleet import herder_words
from benchmarks.peers import Job, Start
from benchmarks.scenario import require

PLACE = "/tmp/herder-bench-many"
STAND_IN = """\
#!/bin/sh
for LAST; do :; done
exec /bin/sh -c "$LAST"
"""


class Many:
    """So many hosts."""

    def __init__(self, hosts: int) -> None:
        self.hosts = hosts

    @property
    def names(self) -> list[str]:
        """The hosts' names."""
        return [f"host{number:04}" for number in range(1, self.hosts + 1)]

    def write(self, job: Job) -> None:
        """Write playbook and inventory; nothing is there yet."""
        shutil.rmtree(PLACE, ignore_errors=True)
        tasks.write(job.folder, PLACE + "/{{ inventory_hostname }}")
        stand_in = job.folder / "ssh"
        stand_in.write_text(STAND_IN, encoding="utf-8")
        stand_in.chmod(0o755)
        inventory = (
            f"[all]\nhost[0001:{self.hosts:04}]\n[all:vars]\nansible_ssh_executable={stand_in}\n"
            "ansible_python_interpreter='{{ ansible_playbook_python }}'\n"
        )
        (job.folder / "many.ini").write_text(inventory, encoding="utf-8")

    def start(self, job: Job) -> Start:
        """Start Herder on these hosts."""
        playbook, inventory = job.folder / "playbook.yml", job.folder / "many.ini"
        return Start(herder_words("playbook", "-i", str(inventory), str(playbook)))

    def check(self, _job: Job) -> None:
        """Every host's files are there with their content."""
        for name in self.names:
            for place, (_mode, content) in tasks.expected(name, f"{PLACE}/{name}").items():
                path = Path(place)
                require(path.exists(), name, f"{path} is missing")
                if content and not place.endswith("lines.conf"):
                    seen, wanted = path.read_bytes(), content.encode()
                    digests = [hashlib.sha256(each).hexdigest() for each in (seen, wanted)]
                    require(digests[0] == digests[1], name, f"{path} has another content")
