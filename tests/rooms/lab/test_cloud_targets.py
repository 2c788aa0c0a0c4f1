"""Target groups on a real HAProxy: targets come, are checked, drain and go while it runs."""

from __future__ import annotations

import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from herder.lab import cloud, lab
from herder.lab.cloud import BASE_IMAGE
from herder.lab.cloud_state import CloudState
from herder.lab.inventory import ssh_words
from herder.lab.place import LabPlace, lab_place
from herder.lab.state import Kind
from tests.support.cloud_client import aws_client
from tests.support.lab_traces import traces

pytest.importorskip("boto3")
pytest.importorskip("moto")

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

_HAPROXY = """\
global
    stats socket /run/haproxy/admin.sock mode 660 level admin
defaults
    mode http
    timeout connect 2s
    timeout client 30s
    timeout server 30s
frontend visitors
    bind :80
    default_backend site
backend site
    balance roundrobin
    option httpchk GET /
    server first 127.0.0.1:9 check inter 1s
"""
_SITE = """\
#!/bin/sh
mkdir -p /srv/site && cd /srv/site && hostname >index.html && exec python3 -m http.server 80
"""


@dataclass(frozen=True)
class Balanced:
    """A cloud whose HAProxy has one target group."""

    place: LabPlace
    state: CloudState
    group: str

    def client(self, service: str) -> Any:
        return aws_client(self.state, service)

    def serve(self) -> str:
        """Create an instance that serves its own name, and give its name when it runs."""
        made = self.client("ec2").run_instances(
            MinCount=1, MaxCount=1, ImageId=BASE_IMAGE, InstanceType="t3.micro", UserData=_SITE
        )
        name = str(made["Instances"][0]["InstanceId"])
        self.client("ec2").get_waiter("instance_running").wait(
            InstanceIds=[name], WaiterConfig={"Delay": 1}
        )
        return name

    def register(self, name: str) -> None:
        targets = [{"Id": name}]
        self.client("elbv2").register_targets(TargetGroupArn=self.group, Targets=targets)

    def deregister(self, name: str) -> None:
        targets = [{"Id": name}]
        self.client("elbv2").deregister_targets(TargetGroupArn=self.group, Targets=targets)

    def health(self, name: str) -> str:
        seen = self.client("elbv2").describe_target_health(
            TargetGroupArn=self.group, Targets=[{"Id": name}]
        )
        return str(seen["TargetHealthDescriptions"][0]["TargetHealth"]["State"])

    def wait(self, name: str, *states: str) -> None:
        deadline = time.monotonic() + 30.0
        while (seen := self.health(name)) not in states:
            assert time.monotonic() < deadline, seen
            time.sleep(0.3)

    def page(self) -> str:
        address = lab.require_state(self.place).server("balancer").address
        with urllib.request.urlopen(f"http://{address}/", timeout=10) as answer:
            return str(answer.read().decode().strip())


@pytest.fixture(scope="module")
def balanced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Balanced]:
    place = lab_place("balanced", tmp_path_factory.mktemp("labs"))
    lab.up_named(place, ["balancer"], kind=Kind.MACHINES)
    try:
        _run(place, "cat >/etc/haproxy/haproxy.cfg", _HAPROXY)
        _run(place, "systemctl restart haproxy")
        found = Balanced(place, cloud.up(place), "")
        made = found.client("elbv2").create_target_group(
            Name="site", Protocol="HTTP", Port=80, VpcId=_network(found)
        )
        yield Balanced(place, found.state, made["TargetGroups"][0]["TargetGroupArn"])
    finally:
        lab.down(place)
    assert traces(place) == []


def test_target_gets_visitors_while_it_is_registered(balanced: Balanced) -> None:
    """The way of every server: checked, visited, drained, gone; HAProxy is never restarted."""
    name = balanced.serve()

    balanced.register(name)
    balanced.wait(name, "healthy")
    page = balanced.page()
    balanced.deregister(name)
    balanced.wait(name, "unused")

    assert page == name


def test_target_that_does_not_serve_is_unhealthy(balanced: Balanced) -> None:
    """Health is what the check says, not what the books say."""
    name = balanced.serve()
    balanced.register(name)
    balanced.wait(name, "healthy")

    instance = lab.require_state(balanced.place).server(name)
    words = ssh_words(balanced.place, instance)
    subprocess.run([*words, "fuser -k 80/tcp || pkill -f http.server"], check=False)

    balanced.wait(name, "unhealthy")
    balanced.deregister(name)


def _network(found: Balanced) -> str:
    return str(found.client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"])


def _run(place: LabPlace, command: str, text: str = "") -> None:
    words = ssh_words(place, lab.require_state(place).server("balancer"))
    subprocess.run([*words, command], input=text, text=True, check=True)
