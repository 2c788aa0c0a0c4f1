"""What aws.yml, bake.yml and `herder scale` say when the cloud cannot do what was asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from herder.lab import cloud
from herder.lab.cloud import BASE_IMAGE, CloudWish
from herder.lab.inventory import ssh_words
from herder.lab.lab import require_state
from herder.lab.place import lab_place
from herder.lab.servers import BOOT_SECONDS
from herder.lab.state import Kind
from tests.support.cloud_client import aws_client
from tests.support.cloud_plays import HAS_EXTRAS, CloudPlays
from tests.support.lab_traces import traces

pytestmark = [
    pytest.mark.lab,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not HAS_EXTRAS, reason="needs the extras cloud and aws"),
]

_DOWN = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
_ELSEWHERE = {"AWS_REGION": "mars-1", "AWS_DEFAULT_REGION": "mars-1"}


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudPlays]:
    """Give a cloud for two instances at most."""
    place = lab_place("mistakes", tmp_path_factory.mktemp("labs"))
    yield CloudPlays(place, cloud.up(place, CloudWish(limit=2), kind=Kind.MACHINES))
    cloud.down(place)
    assert traces(place) == []


@pytest.mark.parametrize(
    ("variables", "text"),
    [
        ({"AWS_ACCESS_KEY_ID": "AKIAOTHER"}, "access key 'AKIAOTHER' is not this cloud's"),
        ({"AWS_SECRET_ACCESS_KEY": "other"}, "the secret key is not this cloud's"),
        (_ELSEWHERE, "region 'mars-1', this cloud has 'us-east-1' only"),
        (_DOWN, "Could not connect to the endpoint URL"),
    ],
)
def test_wrong_address_or_key_is_told_before_anything_is_made(
    there: CloudPlays, variables: dict[str, str], text: str
) -> None:
    """Mixed up accounts are the commonest mistake, and the dearest."""
    said = there.playbook("aws.yml", **variables)

    assert said.exit_code == 2
    assert text in said.text
    assert there.living() == []


@pytest.mark.parametrize(
    ("wish", "text"),
    [
        ("image=ami-00000000000000bad", "The image id '[ami-00000000000000bad]' does not exist"),
        ("instance_type=t3.nano-huge", "Invalid value 't3.nano-huge' for InstanceType"),
        ("servers=3", "asked for 3 more, the limit is 2"),
        ("debian_name=nothing-*", "no image has the tags app=mootube and baked=true"),
    ],
)
def test_wish_that_cannot_be_leaves_no_server(there: CloudPlays, wish: str, text: str) -> None:
    """All or none: a half made launch would be paid for unseen."""
    said = there.playbook("aws.yml", "-e", wish)

    assert said.exit_code == 2
    assert text in said.text
    assert there.living() == []


def test_inventory_whose_endpoint_is_down_stops_the_run(there: CloudPlays) -> None:
    """Taken for a cloud without servers, it would empty the balancer's configuration."""
    said = there.playbook("playbook.yml", "-i", "inventory/aws_ec2.yml", **_DOWN)

    assert said.exit_code != 0
    assert "Could not connect to the endpoint URL" in said.text
    assert "PLAY RECAP" not in said.text


def test_scale_names_the_endpoint_that_is_down(there: CloudPlays) -> None:
    """Without knowing what is there, nothing may be created or removed."""
    said = there.herder("scale", "2", "-i", "inventory/aws_ec2.yml", *there.options(), **_DOWN)

    assert said.exit_code == 1
    assert "Could not connect to the endpoint URL" in said.text


def test_tag_that_matches_nothing_is_no_server(there: CloudPlays) -> None:
    """A fleet of nobody must not look like a success that changed nothing."""
    said = there.herder("deploy", "deploy.yml", "-i", "inventory/aws_ec2.yml", *there.options())

    assert said.exit_code == 5
    assert "and no host of the inventory is" in said.text


def test_servers_that_could_not_be_brought_in_are_named(there: CloudPlays) -> None:
    """They run and cost: who reads the error must find them, and the command that removes them."""
    said = there.herder("scale", "1", "-i", "inventory/aws_ec2.yml", *there.options())
    (left,) = there.living()

    assert said.exit_code == 1
    assert f"aws ec2 terminate-instances --instance-ids {left.id}" in said.text
    _assert_no_more_are_created_unseen(there, left.id)
    assert there.aws("ec2", "terminate-instances", "--instance-ids", left.id).exit_code == 0
    assert there.living() == []


def test_server_that_never_answers_is_terminated(there: CloudPlays) -> None:
    """A boot that hangs is nobody's server; the wait for it has an end, and so has the boot."""
    image = _deaf_image(there)
    started = time.monotonic()

    said = there.playbook("aws.yml", "-e", f"image={image}", "-e", "boot_seconds=4")

    assert said.exit_code == 2
    assert "did not answer within 4 s" in said.text
    assert "Nothing of this launch is left" in said.text
    assert there.living() == []
    assert time.monotonic() - started < BOOT_SECONDS


def test_server_of_a_bake_that_was_broken_off_is_removed_by_the_next(there: CloudPlays) -> None:
    """No playbook and no inventory shows it: it was paid for until somebody read the bill."""
    tags = [{"Key": "app", "Value": "mootube"}, {"Key": "role", "Value": "builder"}]
    aws_client(there.state).run_instances(
        ImageId=BASE_IMAGE,
        InstanceType="t3.micro",
        MinCount=1,
        MaxCount=1,
        TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
    )
    wish = ("-e", "debian_name=nothing-*")

    young = there.playbook("bake.yml", *wish)
    left = len(there.living())
    there.playbook("bake.yml", *wish, "-e", "builder_minutes=-1")

    assert young.exit_code == 2
    assert left == 1
    assert there.living() == []


def _assert_no_more_are_created_unseen(there: CloudPlays, left: str) -> None:
    """Who counted before it ran would have one too many, and pay for it."""
    said = there.playbook("aws.yml", "-e", "counted=")

    assert said.exit_code == 2
    assert f"{left} came meanwhile" in said.text
    assert [instance.id for instance in there.living()] == [left]


def _deaf_image(there: CloudPlays) -> str:
    """Make an image whose servers have no sshd."""
    ec2 = aws_client(there.state)
    wish = {"ImageId": BASE_IMAGE, "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1}
    name = ec2.run_instances(**wish)["Instances"][0]["InstanceId"]
    _eventually(lambda: [found.state for found in there.living()] == ["running"])
    server = require_state(there.place).server(name)
    there.run([*ssh_words(there.place, server), "systemctl mask ssh.service ssh.socket"], {})
    image: str = ec2.create_image(InstanceId=name, Name="deaf")["ImageId"]
    _eventually(lambda: ec2.describe_images(ImageIds=[image])["Images"][0]["State"] == "available")
    ec2.terminate_instances(InstanceIds=[name])
    return image


def _eventually(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60.0
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.2)
