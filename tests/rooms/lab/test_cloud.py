"""The lab's cloud as AWS clients see it: what boto3 asks for happens to real servers."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from herder.errors import LabError
from herder.lab import cloud, lab
from herder.lab.answers import is_answering
from herder.lab.cloud import BASE_IMAGE, CloudWish
from herder.lab.cloud_state import CloudState
from herder.lab.daemon import CLOUD_ENDPOINT, daemons
from herder.lab.place import LabPlace, lab_place
from herder.lab.state import Kind, Server
from tests.support.cloud_client import aws_client
from tests.support.lab_traces import traces

pytest.importorskip("boto3")
pytest.importorskip("moto")

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

_USER_DATA = "#!/bin/sh\necho from user data >/etc/motd\n"


@dataclass(frozen=True)
class Cloud:
    """A cloud that is up, and a key pair of whoever uses it."""

    place: LabPlace
    state: CloudState
    key_file: Path

    def client(self, **other: str) -> Any:
        return aws_client(self.state, **other)

    def run(self, **wishes: Any) -> str:
        """Create one instance and give its name."""
        wanted = {"ImageId": BASE_IMAGE, "InstanceType": "t3.micro", "KeyName": "mine", **wishes}
        made = self.client().run_instances(MinCount=1, MaxCount=1, **wanted)
        return str(made["Instances"][0]["InstanceId"])

    def look(self, instance: str) -> dict[str, Any]:
        found = self.client().describe_instances(InstanceIds=[instance])
        seen: dict[str, Any] = found["Reservations"][0]["Instances"][0]
        return seen

    def wait(self, instance: str, state: str) -> dict[str, Any]:
        deadline = time.monotonic() + 60.0
        while (seen := self.look(instance))["State"]["Name"] != state:
            assert time.monotonic() < deadline, seen["State"]
            time.sleep(0.2)
        return seen

    def ssh(self, address: str, command: str) -> str:
        options = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
        words = ["ssh", "-q", "-i", str(self.key_file), *options, f"admin@{address}", command]
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout

    def servers(self) -> dict[str, Server]:
        return {server.name: server for server in lab.require_state(self.place).servers}


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Give a cloud of machines with a key pair that was imported."""
    place = lab_place("cloudtry", tmp_path_factory.mktemp("labs"))
    key_file = tmp_path_factory.mktemp("keys") / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key_file], check=True)
    found = Cloud(place, cloud.up(place, CloudWish(limit=3), kind=Kind.MACHINES), key_file)
    public = key_file.with_name("id.pub").read_bytes()
    found.client().import_key_pair(KeyName="mine", PublicKeyMaterial=public)
    yield found
    cloud.down(place)
    assert traces(place) == []


@pytest.fixture
def instance(there: Cloud) -> Iterator[str]:
    """Give an instance that runs and is gone afterwards."""
    name = there.run(UserData=_USER_DATA)
    there.wait(name, "running")
    yield name
    there.client().terminate_instances(InstanceIds=[name])
    there.wait(name, "terminated")


def test_instance_is_a_server_that_the_key_pair_opens(there: Cloud, instance: str) -> None:
    """The point of it: what the API reports can be logged in to, and root is one sudo away."""
    seen = there.look(instance)

    assert seen["PublicIpAddress"] == seen["PrivateIpAddress"] == there.servers()[instance].address
    assert there.ssh(seen["PublicIpAddress"], "hostname; sudo id -un") == f"{instance}\nroot\n"


def test_user_data_runs_once_at_the_first_boot(there: Cloud, instance: str) -> None:
    """People put their first steps there."""
    address = there.look(instance)["PublicIpAddress"]

    assert _eventually(lambda: there.ssh(address, "cat /etc/motd")) == "from user data\n"


def test_stopped_instance_is_off_and_comes_back_with_its_address(
    there: Cloud, instance: str
) -> None:
    """Stop is not terminate: files and address stay."""
    before = there.look(instance)["PrivateIpAddress"]
    there.ssh(before, "sudo touch /etc/kept")

    there.client().stop_instances(InstanceIds=[instance])
    there.wait(instance, "stopped")
    is_off = not is_answering(there.servers()[instance])
    there.client().start_instances(InstanceIds=[instance])
    after = there.wait(instance, "running")["PrivateIpAddress"]

    assert is_off
    assert after == before
    assert there.ssh(after, "ls /etc/kept") == "/etc/kept\n"


def test_terminated_instance_is_gone(there: Cloud) -> None:
    """Nothing may be paid for, or left on this host, after that."""
    name = there.run()
    there.client().terminate_instances(InstanceIds=[name])

    there.wait(name, "terminated")

    assert name not in there.servers()


def test_instance_of_an_image_has_what_the_first_one_had(there: Cloud, instance: str) -> None:
    """Baking is provisioning once for all servers that come."""
    there.ssh(there.look(instance)["PublicIpAddress"], "sudo touch /etc/provisioned")

    image = there.client().create_image(InstanceId=instance, Name="baked")["ImageId"]
    _wait_for_image(there, image)
    copy = there.run(ImageId=image)
    address = there.wait(copy, "running")["PublicIpAddress"]
    said = there.ssh(address, "hostname; ls /etc/provisioned")
    there.client().terminate_instances(InstanceIds=[copy])
    there.wait(copy, "terminated")
    there.client().deregister_image(ImageId=image)

    assert said == f"{copy}\n/etc/provisioned\n"
    assert not (there.place.directory / "images" / image).exists()


def test_key_that_the_cloud_made_opens_an_instance(there: Cloud, tmp_path: Path) -> None:
    """CreateKeyPair gives the private key once; it must be the right one."""
    made = there.client().create_key_pair(KeyName="made", KeyType="ed25519")
    key_file = tmp_path / "made"
    key_file.touch(mode=0o600)
    key_file.write_text(made["KeyMaterial"], encoding="utf-8")
    name = there.run(KeyName="made")
    address = there.wait(name, "running")["PublicIpAddress"]

    said = Cloud(there.place, there.state, key_file).ssh(address, "id -un")
    there.client().terminate_instances(InstanceIds=[name])
    there.wait(name, "terminated")

    assert said == "admin\n"


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"ImageId": "ami-00000000000000bad"}, "InvalidAMIID.NotFound"),
        ({"InstanceType": "t3.nano-huge"}, "InvalidParameterValue"),
        ({"InstanceType": "t3"}, "InvalidParameterValue"),
        ({"KeyName": "nobodys"}, "InvalidKeyPair.NotFound"),
        ({"MinCount": 4, "MaxCount": 4}, "InstanceLimitExceeded"),
    ],
)
def test_wish_that_cannot_be_leaves_nothing(there: Cloud, wish: dict[str, Any], code: str) -> None:
    """Half of a launch would go on running unseen."""
    wanted = {"ImageId": BASE_IMAGE, "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1}
    before = there.servers()

    with pytest.raises(Exception, match=code):
        there.client().run_instances(**{**wanted, **wish})

    assert there.servers() == before


@pytest.mark.parametrize(
    ("other", "code"),
    [
        ({"region_name": "eu-west-1"}, "InvalidRegion"),
        ({"aws_access_key_id": "AKIANOTOURS"}, "AuthFailure"),
        ({"aws_secret_access_key": "wrong"}, "SignatureDoesNotMatch"),
    ],
)
def test_client_with_wrong_words_is_refused(there: Cloud, other: dict[str, str], code: str) -> None:
    """Who mixes up accounts or regions must hear it, as from AWS."""
    with pytest.raises(Exception, match=code):
        there.client(**other).describe_instances()


def test_second_cloud_of_a_lab_is_refused(there: Cloud) -> None:
    """Two would give out the same addresses."""
    with pytest.raises(LabError, match="has a cloud already"):
        cloud.up(there.place)


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Cloud]:
    """Give a cloud of machines that this test alone has."""
    place = lab_place("killed", tmp_path / "labs")
    try:
        yield Cloud(place, cloud.up(place, kind=Kind.MACHINES), tmp_path)
    finally:
        cloud.down(place)
        lab.down(place)
    assert traces(place) == []


def test_instances_of_an_endpoint_that_was_killed_are_removed(mortal: Cloud) -> None:
    """Its books are in memory: what it made has no name any more."""
    place = mortal.place
    name = mortal.run(KeyName="")
    # while it starts a program it is there twice, until the younger has become that program
    os.kill(daemons(place, CLOUD_ENDPOINT)[0], signal.SIGKILL)

    _eventually(lambda: not daemons(place, CLOUD_ENDPOINT))
    with pytest.raises(LabError, match="has ended"):
        cloud.require_cloud(place)
    cloud.up(place)
    names = {server.name for server in lab.require_state(place).servers}

    assert name not in names


def test_processes_tell_their_port_in_a_tag(tmp_path: Path) -> None:
    """Without root too: EC2 has no field for a port, and inventories read tags."""
    place = lab_place("cloudprocs", tmp_path / "labs")
    found = Cloud(place, cloud.up(place, kind=Kind.PROCESSES), tmp_path)
    try:
        name = found.run(KeyName="")
        tags = {tag["Key"]: tag["Value"] for tag in found.wait(name, "running")["Tags"]}

        assert tags["herder:ssh-port"] == str(found.servers()[name].port)
    finally:
        cloud.down(place)
    assert traces(place) == []


def _eventually(ask: Any, seconds: float = 10.0) -> Any:
    """Give the first answer that says something."""
    deadline = time.monotonic() + seconds
    while not (said := ask()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return said


def _wait_for_image(there: Cloud, image: str) -> None:
    deadline = time.monotonic() + 60.0
    while there.client().describe_images(ImageIds=[image])["Images"][0]["State"] != "available":
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_cloud_that_cannot_be_leaves_no_lab(tmp_path: Path) -> None:
    """The lab was made for the cloud alone, and nobody knows of it."""
    place = lab_place("cloudless", tmp_path / "labs")

    with pytest.raises(LabError, match="no server 'nosuch'"):
        cloud.up(place, CloudWish(balancer="nosuch"), kind=Kind.PROCESSES)

    assert not place.state_file.exists()
    assert traces(place) == []


def test_port_of_another_program_is_refused(tmp_path: Path) -> None:
    """It answered, so it passed for the endpoint: the cloud was up, and clients met a stranger."""
    place = lab_place("taken", tmp_path / "labs")

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LabError, match=f"port {port} on loopback: Address already in use"):
            cloud.up(place, CloudWish(port=port), kind=Kind.PROCESSES)

    assert traces(place) == []
