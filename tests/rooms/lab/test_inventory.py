"""The inventory: what stock Ansible needs to reach a lab, with host keys checked."""

from __future__ import annotations

from pathlib import Path

from herder.lab.inventory import inventory_text, ssh_words
from herder.lab.keys import write_known_hosts
from herder.lab.place import LabPlace
from herder.lab.state import Kind, LabState, Server

PLACE = LabPlace(Path("/labs/lab"))
MACHINE = Server("web1", 1, "10.64.0.11", 22, "root", "ssh-ed25519 AAAA")
PROCESS = Server("web1", 1, "127.0.0.1", 4022, "me", "ssh-ed25519 BBBB")


def test_machine_is_listed_with_strict_host_keys() -> None:
    """A lab without host key checking would hide its mistakes."""
    text = inventory_text(PLACE, LabState("lab", Kind.MACHINES, "", servers=(MACHINE,)))

    assert text == (
        "[lab]\n"
        "web1 ansible_host=10.64.0.11 ansible_user=root\n"
        "\n"
        "[lab:vars]\n"
        "ansible_ssh_private_key_file=/labs/lab/id_ed25519\n"
        "ansible_ssh_common_args='-o UserKnownHostsFile=/labs/lab/known_hosts"
        " -o StrictHostKeyChecking=yes -o KexAlgorithms=^curve25519-sha256'\n"
        "ansible_control_path_dir=/labs/lab/connections\n"
    )


def test_process_is_listed_with_its_port_and_python() -> None:
    """All processes share one address, and the controller's PATH with its pythons."""
    text = inventory_text(PLACE, LabState("lab", Kind.PROCESSES, "", servers=(PROCESS,)))

    assert "web1 ansible_host=127.0.0.1 ansible_port=4022 ansible_user=me\n" in text
    assert "ansible_python_interpreter=/" in text


def test_ssh_command_is_open_for_a_command() -> None:
    """`herder lab ssh NAME COMMAND` puts its words behind it."""
    words = ssh_words(PLACE, MACHINE)

    assert words[0] == "ssh"
    assert words[-3:] == ["-p", "22", "root@10.64.0.11"]


def test_known_hosts_name_the_port_when_it_is_another(tmp_path: Path) -> None:
    """ssh looks for exactly this form, and refuses the host when it is not there."""
    place = LabPlace(tmp_path)

    write_known_hosts(place, LabState("lab", Kind.PROCESSES, "", servers=(MACHINE, PROCESS)))

    lines = place.known_hosts_file.read_text("utf-8").splitlines()
    assert lines == ["10.64.0.11 ssh-ed25519 AAAA", "[127.0.0.1]:4022 ssh-ed25519 BBBB"]
