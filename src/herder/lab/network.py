"""Each machine's own network: a namespace with an address, joined to the lab's bridge."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

from herder.errors import LabError
from herder.lab.place import LabPlace
from herder.lab.programs import run_program, try_program
from herder.lab.state import Server

NAMESPACES = Path("/run/netns")
LINKS = Path("/sys/class/net")
HOSTS_MAX = 240
WAY_OUT_PORT = 3128

_Network: TypeAlias = ipaddress.IPv4Network
_FIRST_HOST = 10


def bridge_name(place: LabPlace) -> str:
    return f"hl{place.mark}"


def bridges() -> list[str]:
    """Give the bridges of all labs on this host."""
    return sorted(path.name for path in LINKS.glob("hl??????"))


def link_name(place: LabPlace, server: Server) -> str:
    """Give the name of the host's end of a machine's cable."""
    return f"{bridge_name(place)}v{server.number}"


def namespace_path(place: LabPlace, name: str) -> Path:
    return NAMESPACES / f"{place.prefix}{name}"


def gateway_address(network: str) -> str:
    return f"{network}.1"


def machine_address(network: str, number: int) -> str:
    """Give the address of the machine of this number. *Raises*: LabError, when the net is full."""
    if number > HOSTS_MAX:
        raise LabError(f"lab of {number} machines, limit is {HOSTS_MAX} machines")
    return f"{network}.{_FIRST_HOST + number}"


def choose_network(mark: str, taken: Iterable[_Network]) -> str:
    """Give a free private network, as its first three numbers; the same mark asks for the same.

    *Raises*: LabError, when nothing between 10.64.0.0 and 10.127.255.255 is free.
    """
    taken = tuple(taken)
    start = int(mark, 16)
    for step in range(0x4000):
        middle = (start + step) % 0x4000
        network = f"10.{64 + (middle >> 8)}.{middle & 0xFF}"
        candidate = ipaddress.IPv4Network(f"{network}.0/24")
        if not any(candidate.overlaps(other) for other in taken):
            return network
    raise LabError("no free network between 10.64.0.0 and 10.127.255.255")


def taken_networks() -> list[_Network]:
    """Give all networks that this host has an address in or a route to."""
    links = json.loads(run_program(["ip", "-json", "-4", "address", "show"]))
    routes = json.loads(run_program(["ip", "-json", "-4", "route", "show", "table", "all"]))
    addresses = [
        f"{item['local']}/{item['prefixlen']}" for link in links for item in link["addr_info"]
    ]
    destinations = [route["dst"] for route in routes if route["dst"] != "default"]
    return [ipaddress.IPv4Network(text, strict=False) for text in (*addresses, *destinations)]


def own_addresses() -> frozenset[str]:
    """Give all addresses that this host answers to."""
    links = json.loads(run_program(["ip", "-json", "address", "show"]))
    return frozenset(item["local"] for link in links for item in link["addr_info"])


def make_bridge(place: LabPlace, network: str) -> None:
    """Make the lab's bridge; the host has the first address on it."""
    bridge = bridge_name(place)
    mark = place.mark
    lines = [
        # Its own hardware address: else it changes with the first machine that comes or goes.
        f"link add {bridge} address 02:68:{mark[0:2]}:{mark[2:4]}:{mark[4:6]}:00 type bridge",
        f"link set {bridge} alias {place.prefix}bridge",
        f"address add {gateway_address(network)}/24 dev {bridge}",
        f"link set {bridge} up",
    ]
    run_program(["ip", "-batch", "-"], stdin="\n".join(lines) + "\n")


def make_machine_network(place: LabPlace, network: str, server: Server) -> None:
    """Make a machine's namespace with its address, cabled to the bridge and up."""
    namespace = namespace_path(place, server.name).name
    link = link_name(place, server)
    mark = place.mark
    hardware = f"02:68:{mark[0:2]}:{mark[2:4]}:{mark[4:6]}:{server.number:02x}"
    outside = [
        f"netns add {namespace}",
        f"link add {link} type veth peer name eth0 address {hardware} netns {namespace}",
        f"link set {link} alias {place.prefix}{server.name} master {bridge_name(place)} up",
    ]
    inside = [
        "link set lo up",
        f"address add {server.address}/24 broadcast + dev eth0",
        "link set eth0 up",
        f"route add default via {gateway_address(network)}",
    ]
    run_program(["ip", "-batch", "-"], stdin="\n".join(outside) + "\n")
    run_program(["ip", "-n", namespace, "-batch", "-"], stdin="\n".join(inside) + "\n")


def remove_machine_network(place: LabPlace, server: Server) -> None:
    """Remove a machine's cable and namespace; what is not there is well."""
    remove_link(link_name(place, server))
    remove_namespace(namespace_path(place, server.name))


def remove_link(name: str) -> None:
    if (LINKS / name).exists():
        try_program(["ip", "link", "delete", name])


def remove_namespace(path: Path) -> None:
    if path.exists():
        try_program(["ip", "netns", "delete", path.name])


def set_cable(place: LabPlace, server: Server, *, plugged: bool) -> None:
    """Plug a machine's cable in or out; the machine itself goes on."""
    word = "up" if plugged else "down"
    run_program(["ip", "link", "set", link_name(place, server), word])
