"""The lab as an Ansible inventory, and as the words that start an ssh client."""

from __future__ import annotations

import sys

from herder.lab.place import LabPlace
from herder.lab.state import Kind, LabState, Server, write_whole

_QUICK_LOGIN = "KexAlgorithms=^curve25519-sha256"
"""Ten logins with OpenSSH's default key exchange keep two cores busy for a second.

It is made against those who keep what is sent until they have a quantum computer; here all that is
sent stays on this machine.
"""


def inventory_text(place: LabPlace, state: LabState) -> str:
    """Give an INI inventory: the group `lab` with all servers, and how ssh reaches them.

    Host keys are checked strictly against the lab's own known_hosts, as on a site in use.
    """
    hosts = [_host_line(server) for server in state.servers]
    variables = [
        f"ansible_ssh_private_key_file={_quoted(str(place.key_file))}",
        f"ansible_ssh_common_args={_quoted(ssh_arguments(place))}",
        f"ansible_control_path_dir={place.connections_directory}",
    ]
    if state.kind is Kind.PROCESSES:
        # They see the controller's own PATH, where a python3 may be a stand-in that only complains.
        variables.append(f"ansible_python_interpreter={_quoted(sys.executable)}")
    return "\n".join(["[lab]", *hosts, "", "[lab:vars]", *variables, ""])


def write_inventory(place: LabPlace, state: LabState) -> None:
    write_whole(place.inventory_file, inventory_text(place, state))


def ssh_words(place: LabPlace, server: Server) -> list[str]:
    """Give the words of an ssh command that logs in on this server; a command may follow."""
    options = [word for option in _ssh_options(place) for word in ("-o", option)]
    identity = ["-i", str(place.key_file), "-o", "IdentitiesOnly=yes"]
    return ["ssh", *identity, *options, "-p", str(server.port), f"{server.user}@{server.address}"]


def ssh_arguments(place: LabPlace, *, host_keys: str = "yes") -> str:
    """Give what ssh needs for the lab's servers; `host_keys` as StrictHostKeyChecking has it."""
    return " ".join(f"-o {option}" for option in _ssh_options(place, host_keys))


def _ssh_options(place: LabPlace, host_keys: str = "yes") -> list[str]:
    known_hosts = f"UserKnownHostsFile={place.known_hosts_file}"
    return [known_hosts, f"StrictHostKeyChecking={host_keys}", _QUICK_LOGIN]


def _host_line(server: Server) -> str:
    words = [server.name, f"ansible_host={server.address}"]
    if server.port != 22:
        words.append(f"ansible_port={server.port}")
    return " ".join([*words, f"ansible_user={server.user}"])


def _quoted(value: str) -> str:
    return f"'{value}'" if " " in value else value
