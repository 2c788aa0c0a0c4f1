"""What is compared: how each peer is started for a scenario."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.fleet import Fleet, herder_words
from benchmarks.paths import SOURCE_ENVIRONMENT


@dataclass(frozen=True, slots=True)
class Job:
    """One scenario's material for one fleet: what there is to run and where."""

    folder: Path
    fleet: Fleet
    environments: Mapping[str, Path] = field(default_factory=dict)

    @property
    def inventory(self) -> Path:
        """The Ansible inventory with these servers."""
        return self.folder / "hosts.ini"

    @property
    def connections(self) -> Path:
        """Where connections stand that ssh keeps for a minute, with default settings."""
        return self.folder / "connections"

    def write_inventories(self) -> None:
        """Write the inventories of all peers into the folder."""
        config = self.fleet.ssh_config
        names = "\n".join(self.fleet.names)
        self.inventory.write_text(
            f"[all]\n{names}\n[all:vars]\nansible_ssh_common_args=-F {config}\n", encoding="utf-8"
        )
        data = {"ssh_config_file": str(config), "ssh_strict_host_key_checking": "yes"}
        hosts = [(name, data) for name in self.fleet.names]
        (self.folder / "inventory.py").write_text(f"hosts = {hosts!r}\n", encoding="utf-8")
        place = f"[ssh_connection]\ncontrol_path_dir = {self.connections}\n"
        (self.folder / "ansible.cfg").write_text(place, encoding="utf-8")
        (self.folder / "run-floor.sh").write_text(_floor(self.fleet), encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Start:
    """A program to run: its words and what its environment has beyond ours."""

    words: list[str]
    environment: Mapping[str, str] = field(default_factory=dict)

    def whole_environment(self) -> dict[str, str]:
        """Give the environment it runs in: ours, without anybody's Ansible settings."""
        ours = {
            name: value
            for name, value in SOURCE_ENVIRONMENT.items()
            if not name.startswith(("ANSIBLE_", "PYTHONDONTWRITE"))
        }
        return ours | dict(self.environment)


@dataclass(frozen=True, slots=True)
class Peer:
    """One way to get the work done."""

    name: str
    title: str
    start: Callable[[Job], Start]
    environment: str = ""
    is_ansible: bool = True

    def material(self) -> str:
        """Give the file in a scenario's folder that this peer runs."""
        return {"pyinfra": "deploy.py", "floor": "floor.sh"}.get(self.name, "playbook.yml")


def peers() -> dict[str, Peer]:
    """Give all peers by name, Herder first."""
    every = (
        Peer("herder", "Herder", _herder),
        Peer("floor", "shell over ssh", _run_floor, is_ansible=False),
        Peer("pyinfra", "pyinfra", _pyinfra, environment="pyinfra", is_ansible=False),
        Peer("mitogen", "Ansible with Mitogen", _mitogen, environment="mitogen"),
        Peer("ansible-pipelined", "Ansible, pipelining", _pipelined, environment="ansible"),
        Peer("ansible", "Ansible, defaults", _ansible, environment="ansible"),
    )
    return {peer.name: peer for peer in every}


def _herder(job: Job) -> Start:
    words = ["playbook", "-i", str(job.inventory), str(job.folder / "playbook.yml")]
    return Start(herder_words(*words))


def _ansible(job: Job, *, environment: str = "ansible") -> Start:
    program = job.environments[environment] / "bin" / "ansible-playbook"
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    words = [str(program), "-i", str(job.inventory), str(job.folder / "playbook.yml")]
    return Start(words, {"PATH": path})


def _pipelined(job: Job) -> Start:
    start = _ansible(job)
    settings = {"ANSIBLE_PIPELINING": "1", "ANSIBLE_FORKS": str(len(job.fleet.hosts))}
    return Start(start.words, {**start.environment, **settings})


def _mitogen(job: Job) -> Start:
    start = _ansible(job, environment="mitogen")
    (found,) = job.environments["mitogen"].glob("lib/python*/site-packages/ansible_mitogen")
    settings = {
        "ANSIBLE_STRATEGY_PLUGINS": str(found / "plugins" / "strategy"),
        "ANSIBLE_STRATEGY": "mitogen_linear",
        "ANSIBLE_FORKS": str(len(job.fleet.hosts)),
    }
    return Start(start.words, {**start.environment, **settings})


def _pyinfra(job: Job) -> Start:
    program = job.environments["pyinfra"] / "bin" / "pyinfra"
    return Start([str(program), "-y", "inventory.py", "deploy.py"])


def _run_floor(job: Job) -> Start:
    return Start(["sh", str(job.folder / "run-floor.sh")])


def _floor(fleet: Fleet) -> str:
    """Give a script that runs floor.sh on all servers at once."""
    starts = (
        f"{{ echo NAME={name}; cat floor.sh; }} | ssh -F {fleet.ssh_config} {name} 'sh -s' &\n"
        'JOBS="$JOBS $!"\n'
        for name in fleet.names
    )
    return "".join(starts) + "for JOB in $JOBS; do wait $JOB || STATUS=1; done\nexit ${STATUS:-0}\n"
