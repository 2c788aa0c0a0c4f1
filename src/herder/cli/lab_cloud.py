"""The words of `herder lab cloud`: an EC2 endpoint whose instances are servers of the lab."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import time
from collections.abc import Callable, Sequence

from herder.errors import UsageError
from herder.lab import cloud
from herder.lab.cloud import CloudWish, Instance
from herder.lab.cloud_state import INSTANCES_MAX, REGION, CloudState
from herder.lab.place import LabPlace
from herder.lab.state import Kind

Act = Callable[[LabPlace, argparse.Namespace], int]

_PORT_MAX = 65535


def add_words(parser: argparse.ArgumentParser, kept: argparse.ArgumentParser) -> None:
    """Add the commands below `herder lab cloud`; `kept` has the options that all labs take."""
    acts = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=type(parser))
    up = acts.add_parser(
        "up", parents=[kept], help="start the endpoint, with a lab if there is none"
    )
    up.add_argument("--kind", choices=[kind.value for kind in Kind], help="what servers are")
    up.add_argument("--region", default=REGION, help=f"its one region (default: {REGION})")
    up.add_argument("--port", type=int, default=0, help="on loopback (default: a free one)")
    up.add_argument("--limit", type=int, default=INSTANCES_MAX, help="instances at once, at most")
    up.add_argument("--balancer", default="", help="the server whose HAProxy target groups act on")
    up.set_defaults(act=_up)
    status = acts.add_parser("status", parents=[kept], help="show the instances")
    status.add_argument("--json", action="store_true", help="as one JSON list")
    status.set_defaults(act=_status)
    env = acts.add_parser("env", parents=[kept], help="print the variables for AWS clients")
    env.set_defaults(act=_env)
    down = acts.add_parser("down", parents=[kept], help="remove endpoint, instances and images")
    down.set_defaults(act=_down)


def _up(place: LabPlace, chosen: argparse.Namespace) -> int:
    if chosen.limit < 1:
        raise UsageError(f"--limit {chosen.limit}, expected 1 or more")
    if not 0 <= chosen.port <= _PORT_MAX:
        raise UsageError(f"--port {chosen.port}, expected 1 to {_PORT_MAX}")
    started = time.monotonic()
    wish = CloudWish(chosen.region, chosen.limit, chosen.balancer, chosen.port)
    state = cloud.up(place, wish, kind=Kind(chosen.kind) if chosen.kind else None)
    seconds = time.monotonic() - started
    option = "" if place.name == "lab" else f" --name {place.name}"
    sys.stdout.write(f"EC2 endpoint {state.url}, region {state.region}, up in {seconds:.1f} s.\n")
    sys.stdout.write(_balancer_text(state))
    sys.stdout.write(f'Point AWS clients at it: eval "$(herder lab cloud env{option})"\n')
    return 0


def _status(place: LabPlace, chosen: argparse.Namespace) -> int:
    state = cloud.require_cloud(place)
    found = cloud.show(state)
    if chosen.json:
        sys.stdout.write(json.dumps([_document(instance) for instance in found], indent=2) + "\n")
        return 0
    sys.stdout.write(f"EC2 endpoint {state.url}, region {state.region}, limit {state.limit}.\n")
    sys.stdout.write(_balancer_text(state))
    sys.stdout.write(_table(found) or "  no instances\n")
    return 0


def _env(place: LabPlace, chosen: argparse.Namespace) -> int:
    for name, text in cloud.require_cloud(place).environment().items():
        sys.stdout.write(f"export {name}={shlex.quote(text)}\n")
    return 0


def _down(place: LabPlace, chosen: argparse.Namespace) -> int:
    was_there = cloud.down(place)
    text = "is down, its instances and images are gone" if was_there else "was not up"
    sys.stdout.write(f"The cloud of lab {place.name!r} {text}.\n")
    return 0


def _balancer_text(state: CloudState) -> str:
    if not state.balancer:
        return ""
    return f"Target groups act on the HAProxy of {state.balancer!r}, by the backend's name.\n"


def _document(instance: Instance) -> dict[str, str]:
    return {
        "id": instance.id,
        "state": instance.state,
        "address": instance.address,
        "image": instance.image,
        "name": instance.name,
        "reason": instance.reason,
    }


def _table(found: Sequence[Instance]) -> str:
    return "".join(
        f"  {instance.id}  {instance.state:13}  {instance.address:15}  {instance.image}"
        f"  {instance.name}{_reason(instance)}\n"
        for instance in found
    )


def _reason(instance: Instance) -> str:
    return f"  ({instance.reason})" if instance.reason.startswith("Server.") else ""
