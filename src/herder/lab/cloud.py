"""What a person asks of a lab's cloud: up, down, its state and the variables for AWS clients."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import secrets
import shutil
import socket
import time
import urllib.error
import urllib.request
from dataclasses import dataclass

from herder.errors import LabError
from herder.lab import lab
from herder.lab.cloud_state import (
    INSTANCES_MAX,
    REGION,
    CloudState,
    cloud_file,
    images_directory,
    instances,
    read_cloud,
    write_cloud,
)
from herder.lab.daemon import CLOUD_ENDPOINT, daemons, end_daemons, log_tail, start_daemon
from herder.lab.place import LabPlace
from herder.lab.state import Kind, read_state

BASE_IMAGE = "ami-0000000000000000d"
STATUS_PATH = "/herder/instances"
_START_SECONDS = 60.0
_ANSWER_SECONDS = 10.0
_BALANCER = "balancer"
_DEBIAN = "136693071363"


@dataclass(frozen=True, slots=True)
class CloudWish:
    """How a cloud should be; '' and 0 leave it to the lab."""

    region: str = REGION
    limit: int = INSTANCES_MAX
    balancer: str = ""
    port: int = 0


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance as the endpoint tells it."""

    id: str
    state: str
    address: str
    image: str
    name: str
    reason: str


def up(
    place: LabPlace,
    wish: CloudWish | None = None,
    *,
    kind: Kind | None = None,
    owns_lab: bool = False,
) -> CloudState:
    """Start an endpoint and join it to the lab; without a lab, make an empty one first.

    With `owns_lab`, or with a lab that it made, `down` takes the lab away too.
    *Raises*: LabError, when moto is missing, an endpoint runs already or does not start; then
    nothing is left of it.
    """
    wish = wish or CloudWish()
    if importlib.util.find_spec("moto") is None:
        raise LabError("the cloud needs moto's server", hint="pip install 'herder[cloud]'")
    if daemons(place, CLOUD_ENDPOINT):
        raise LabError(
            f"lab {place.name!r} has a cloud already", hint=f"herder lab cloud down{_where(place)}"
        )
    has_made_lab = read_state(place.state_file) is None
    if has_made_lab:
        lab.up_named(place, [], kind=kind)
    try:
        return _start(place, wish, has_made_lab=has_made_lab or owns_lab)
    except BaseException:
        down(place)
        if has_made_lab:  # what stopped it may have come before cloud.json, by which `down` knows
            lab.down(place)
        raise


def down(place: LabPlace) -> bool:
    """Remove the cloud with its instances and images; the lab too, when the cloud made it.

    Tells whether there was anything.
    """
    end_daemons(place, CLOUD_ENDPOINT)
    if read_state(place.state_file) is None:
        return False
    state = None
    with contextlib.suppress(LabError):  # a file that cannot be read goes like any other
        state = read_cloud(place)
    was_there = cloud_file(place).exists()
    _remove_instances(place)
    cloud_file(place).unlink(missing_ok=True)
    if state is not None and state.has_made_lab:
        lab.down(place)
    return was_there


def require_cloud(place: LabPlace) -> CloudState:
    """Give the cloud that is up. *Raises*: LabError, when there is none or its endpoint is gone."""
    state = read_cloud(place)
    if state is None:
        raise LabError(
            f"lab {place.name!r} has no cloud", hint=f"herder lab cloud up{_where(place)}"
        )
    if not daemons(place, CLOUD_ENDPOINT):
        raise LabError(
            f"the endpoint of lab {place.name!r} has ended; its instances are left",
            context=log_tail(place),
            hint=f"herder lab cloud down{_where(place)}",
        )
    return state


def show(state: CloudState) -> list[Instance]:
    """Ask the endpoint for its instances. *Raises*: LabError, when it does not answer."""
    try:
        # The address is ours: loopback and a port that we chose.
        with urllib.request.urlopen(state.url + STATUS_PATH, timeout=_ANSWER_SECONDS) as answer:
            return [Instance(**item) for item in json.load(answer)]
    except (OSError, ValueError) as error:
        raise LabError(f"the endpoint does not answer: {error}", context=state.url) from error


def _start(place: LabPlace, wish: CloudWish, *, has_made_lab: bool) -> CloudState:
    _remove_instances(place)
    names = [server.name for server in lab.require_state(place).servers]
    if wish.balancer:
        lab.require_state(place).server(wish.balancer)
    state = CloudState(
        port=_free_port(wish.port),
        access_key=f"AKIALAB{secrets.token_hex(6).upper()}X",
        secret_key=secrets.token_urlsafe(30),
        region=wish.region,
        limit=wish.limit,
        balancer=wish.balancer or (_BALANCER if _BALANCER in names else ""),
        has_made_lab=has_made_lab,
    )
    write_cloud(place, state)
    start_daemon(place, CLOUD_ENDPOINT, _moto_settings(place))
    _wait(place, state)
    return state


def base_images() -> list[dict[str, str | bool]]:
    """Give the images that are there from the start: this host's system, named as Debian's own."""
    return [
        {
            "ami_id": BASE_IMAGE,
            "name": "debian-12-amd64-herder-lab",
            "description": "the lab's host, with all that is installed there",
            "owner_id": _DEBIAN,
            "public": True,
            "architecture": "x86_64",
            "virtualization_type": "hvm",
            "hypervisor": "xen",
            "root_device_type": "ebs",
            "root_device_name": "/dev/xvda",
            "creation_date": "2024-01-01T00:00:00.000Z",
        }
    ]


def _moto_settings(place: LabPlace) -> dict[str, str]:
    """Give the variables that tell moto to be as strict as EC2; it reads them once, at import."""
    images = place.directory / "base-images.json"
    images.write_text(json.dumps(base_images()), encoding="utf-8")
    return {
        "MOTO_AMIS_PATH": str(images),
        "MOTO_ENABLE_AMI_VALIDATION": "true",
        "MOTO_ENABLE_KEYPAIR_VALIDATION": "true",
        "MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION": "true",
    }


def _wait(place: LabPlace, state: CloudState) -> None:
    deadline = time.monotonic() + _START_SECONDS
    started = time.monotonic()
    while not _is_listening(state.port):
        is_gone = time.monotonic() > started + 1.0 and not daemons(place, CLOUD_ENDPOINT)
        if is_gone or time.monotonic() > deadline:
            raise LabError("the cloud's endpoint did not start", context=log_tail(place))
        time.sleep(0.1)


def _remove_instances(place: LabPlace) -> None:
    """Remove what an endpoint that was killed has left: nobody can name it any more."""
    servers = lab.servers(place)
    for server in instances(servers.state().servers):
        servers.destroy(server.name)
    shutil.rmtree(images_directory(place), ignore_errors=True)


def _is_listening(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1.0):
            return True
    except OSError:
        return False


def _free_port(wanted: int) -> int:
    """Give this port, or any for 0. *Raises*: LabError, when another program has it."""
    try:
        with socket.create_server(("127.0.0.1", wanted)) as probe:
            port: int = probe.getsockname()[1]
            return port
    except OSError as error:
        raise LabError(f"port {wanted} on loopback: {error.strerror}") from error


def _where(place: LabPlace) -> str:
    return "" if place.name == "lab" else f" --name {place.name}"
