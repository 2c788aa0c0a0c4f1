"""The lab's servers, and how every peer reaches them: one ssh configuration for all."""

from __future__ import annotations

import concurrent.futures
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.paths import SOURCE_ENVIRONMENT

DELAY = Path(__file__).with_name("delay.py")


@dataclass(frozen=True, slots=True)
class Host:
    """A server of the lab."""

    name: str
    address: str
    port: str
    user: str


@dataclass(frozen=True, slots=True)
class Fleet:
    """Servers and the ssh configuration that leads to them."""

    hosts: tuple[Host, ...]
    identity: str
    options: tuple[str, ...]
    ssh_config: Path

    @property
    def names(self) -> tuple[str, ...]:
        """The servers' names."""
        return tuple(host.name for host in self.hosts)

    def first(self, count: int) -> Fleet:
        """Give the same fleet with only its first servers."""
        return Fleet(self.hosts[:count], self.identity, self.options, self.ssh_config)

    def write_ssh_config(self, *, delay_ms: float = 0) -> None:
        """Write the configuration; a delay is half of what it adds to a round trip."""
        blocks = [_block(host, self, delay_ms) for host in self.hosts]
        self.ssh_config.write_text("\n".join(blocks), encoding="utf-8")

    def everywhere(self, script: str) -> dict[str, str]:
        """Run a script on all servers at once over plain ssh; give what each printed.

        *Raises*: subprocess.CalledProcessError when it failed on one.
        """

        def run(name: str) -> str:
            words = ["ssh", "-F", str(self.ssh_config), name, "sh -s"]
            done = subprocess.run(words, input=script, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                sys.stderr.write(f"{name}: {done.stderr}")
                done.check_returncode()
            return done.stdout

        with concurrent.futures.ThreadPoolExecutor(len(self.hosts)) as threads:
            return dict(zip(self.names, threads.map(run, self.names), strict=True))


def end_connections(directory: Path) -> None:
    """End the connections that ssh keeps there."""
    for socket in directory.glob("*"):
        words = ["ssh", "-F", "/dev/null", "-S", str(socket), "-O", "exit", "server"]
        subprocess.run(words, capture_output=True, check=False)


def herder_words(*words: str) -> list[str]:
    """Give the words that start Herder as its users do."""
    return [sys.executable, "-m", "herder", *words]


def bring_up(lab: str, count: int) -> None:
    """Bring the lab up."""
    words = herder_words("lab", "up", str(count), "--name", lab)
    subprocess.run(words, check=True, env=SOURCE_ENVIRONMENT)


def take_down(lab: str) -> None:
    """Remove the lab."""
    words = herder_words("lab", "down", "--name", lab)
    subprocess.run(words, check=True, env=SOURCE_ENVIRONMENT)


def look_at(lab: str, folder: Path) -> Fleet:
    """Read the lab's inventory."""
    words = herder_words("lab", "inventory", "--name", lab)
    text = subprocess.run(
        words, check=True, capture_output=True, text=True, env=SOURCE_ENVIRONMENT
    ).stdout
    hosts = tuple(_host(line) for line in text.splitlines() if " ansible_host=" in line)
    variables = dict(
        shlex.split(line)[0].split("=", 1)
        for line in text.splitlines()
        if line.startswith("ansible_ssh_")
    )
    options = shlex.split(variables.get("ansible_ssh_common_args", ""))
    return Fleet(
        hosts=hosts,
        identity=variables["ansible_ssh_private_key_file"],
        # a login costs what it costs with OpenSSH's defaults, as on a user's own servers
        options=tuple(
            option
            for option in options
            if option != "-o" and not option.startswith("KexAlgorithms=")
        ),
        ssh_config=folder / "ssh_config",
    )


def _host(line: str) -> Host:
    name, *words = shlex.split(line)
    values = dict(word.split("=", 1) for word in words)
    port = values.get("ansible_port", "22")
    return Host(name, values["ansible_host"], port, values["ansible_user"])


def _block(host: Host, fleet: Fleet, delay_ms: float) -> str:
    lines = [
        f"Host {host.name}",
        f"  HostName {host.address}",
        f"  Port {host.port}",
        f"  User {host.user}",
        f"  IdentityFile {fleet.identity}",
        "  IdentitiesOnly yes",
        *(f"  {option.replace('=', ' ', 1)}" for option in fleet.options),
    ]
    if delay_ms:
        program = f"{sys.executable} -S -E {DELAY} {delay_ms:g} {host.address} {host.port}"
        lines.append(f"  ProxyCommand {program}")
    return "\n".join([*lines, ""])
