"""What is known of a lab's cloud: where its endpoint is and the keys that open it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from herder.errors import LabError
from herder.lab.place import LabPlace
from herder.lab.state import Server, write_whole

REGION = "us-east-1"
INSTANCES_MAX = 20

_INSTANCE = re.compile(r"i-[0-9a-f]{17}")


@dataclass(frozen=True, slots=True)
class CloudState:
    """One endpoint.

    *Shapes*: `limit` is how many instances may be there at once; `balancer` names the lab's
    server whose HAProxy target groups act on, '' for none; `has_made_lab` tells that the lab goes
    with the cloud.
    """

    port: int
    access_key: str
    secret_key: str = field(repr=False)
    region: str = REGION
    limit: int = INSTANCES_MAX
    balancer: str = ""
    has_made_lab: bool = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        """Give the variables that point any AWS client at the endpoint."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            # A client that finds no keys of its own would ask the network for some, and wait.
            "AWS_EC2_METADATA_DISABLED": "true",
        }


def cloud_file(place: LabPlace) -> Path:
    return place.directory / "cloud.json"


def images_directory(place: LabPlace) -> Path:
    """Give where the layers of images are kept, each under its image's name."""
    return place.directory / "images"


def write_cloud(place: LabPlace, state: CloudState) -> None:
    write_whole(cloud_file(place), json.dumps(asdict(state), indent=2) + "\n", mode=0o600)


def read_cloud(place: LabPlace) -> CloudState | None:
    """Give the lab's cloud, None when it has none. *Raises*: LabError, when it is not readable."""
    try:
        return CloudState(**json.loads(cloud_file(place).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise LabError(
            f"the cloud's state cannot be read: {error}",
            context=str(cloud_file(place)),
            hint=f"herder lab cloud down --name {place.name}",
        ) from error


def instances(servers: Iterable[Server]) -> list[Server]:
    """Give those servers of a lab that its cloud made: they are named as instances are."""
    return [server for server in servers if _INSTANCE.fullmatch(server.name)]
