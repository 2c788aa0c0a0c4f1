"""A client of a lab's cloud in the test's own process: the aws command takes a second to start."""

from __future__ import annotations

import importlib
from typing import Any

from herder.lab.cloud_state import CloudState


def aws_client(state: CloudState, service: str = "ec2", **other: str) -> Any:
    """Give boto3's client of a service; `other` words in place of those of this cloud."""
    wanted = {
        "endpoint_url": state.url,
        "region_name": state.region,
        "aws_access_key_id": state.access_key,
        "aws_secret_access_key": state.secret_key,
        **other,
    }
    return importlib.import_module("boto3").client(service, **wanted)
