"""MooTube whose web servers are instances of a lab's cloud; database and balancer are machines."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from herder.lab import cloud, lab
from herder.lab.cloud_state import CloudState
from herder.lab.inventory import ssh_arguments
from herder.lab.mootube import BALANCER, DATABASE, SITE_NAME, VAULT_PASSWORD_FILE, Example
from herder.lab.place import LabPlace
from herder.lab.scaling import Site
from herder.lab.state import Kind, LabState, write_whole
from herder.lab.visitors import Door


@dataclass(frozen=True, slots=True)
class CloudSite:
    """MooTube on one lab with a cloud; its files are in the lab's directory and go with it."""

    place: LabPlace
    cloud: CloudState
    site: Site
    door: Door

    @property
    def repository(self) -> Path:
        return self.place.directory / "mootube" / "site"


def bring_up(place: LabPlace, example: Example) -> CloudSite:
    """Bring up a lab with a database and a balancer, and a cloud for the web servers.

    *Raises*: LabError, when machines cannot run here; then nothing is left.
    """
    state = lab.up_named(place, [DATABASE, BALANCER], kind=Kind.MACHINES)
    try:
        return join_site(place, state, cloud.up(place, owns_lab=True), example)
    except BaseException:
        lab.down(place)
        raise


def join_site(
    place: LabPlace, state: LabState, endpoint: CloudState, example: Example
) -> CloudSite:
    """Write the inventory of what is no instance, beside which aws_ec2.yml gives the rest."""
    folder = place.directory / "mootube"
    folder.mkdir()
    hosts = folder / "hosts.ini"
    write_whole(hosts, "\n".join([*_inventory_lines(place, state), ""]))
    password = example.ansible_folder / VAULT_PASSWORD_FILE
    site = Site(
        example.ansible_folder,
        (str(hosts), "inventory/aws_ec2.yml"),
        ("--vault-password-file", str(password), "--private-key", str(place.key_file)),
        {
            "mootube_repository": str(folder / "site"),
            "public_key_file": f"{place.key_file}.pub",
            # boto3 is where Herder runs.
            "ansible_playbook_python": sys.executable,
        },
        endpoint.environment(),
    )
    door = Door(state.server(BALANCER).address, 80, SITE_NAME)
    return CloudSite(place, endpoint, site, door)


def _inventory_lines(place: LabPlace, state: LabState) -> list[str]:
    return [
        *(
            f"{server.name} ansible_host={server.address} ansible_user={server.user}"
            for server in state.servers
        ),
        "[database]",
        DATABASE,
        "[loadbalancer]",
        BALANCER,
        "[webserver:children]",
        "aws",
        "[aws]",
        "[all:vars]",
        f"ansible_ssh_common_args='{ssh_arguments(place, host_keys='accept-new')}'",
        f"ansible_control_path_dir={place.connections_directory}",
    ]
