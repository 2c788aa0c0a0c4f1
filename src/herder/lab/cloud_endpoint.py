"""The cloud's endpoint: moto's server in a process of its own, on loopback, joined to one lab.

The program `python -m ... DIRECTORY` ends by itself when the lab is gone. What it knows of
instances and images is in its memory: when it is killed, the next `cloud up` removes them.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from herder.lab import lab
from herder.lab.cloud_balancer import Balancer
from herder.lab.cloud_door import Application, CloudDoor
from herder.lab.cloud_hands import CloudHands
from herder.lab.cloud_join import backend, join
from herder.lab.cloud_state import CloudState, read_cloud
from herder.lab.cloud_targets import join_targets
from herder.lab.place import LabPlace

_ACCOUNT = "123456789012"
_LOOK_SECONDS = 0.5
# Whoever started us may have keys of a real account.
_NOT_OURS = ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


class _Quiet(WSGIRequestHandler):
    """Writes no line for a request that is in order."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        return


def make_application(place: LabPlace, state: CloudState) -> Application:
    """Give the application that answers as AWS does: the door, moto behind it, the lab below."""
    hands = CloudHands(lab.servers(place))
    join(hands, region=state.region, limit=state.limit)
    if state.balancer:
        join_targets(Balancer(hands, state.balancer))
    inside = DomainDispatcherApplication(create_backend_app)
    books = backend(_ACCOUNT, state.region)
    return CloudDoor(
        state, inside, lambda: [_describe(instance) for instance in books.all_instances()]
    )


def _describe(instance: Any) -> dict[str, str]:
    tags = {tag["key"]: tag["value"] for tag in instance.get_tags()}
    return {
        "id": instance.id,
        "state": instance.state,
        "address": instance.private_ip or "",
        "image": instance.image_id,
        "name": tags.get("Name", ""),
        "reason": instance.state_reason.message or "",
    }


def serve(place: LabPlace, state: CloudState) -> None:
    """Serve until the lab or its cloud is gone."""
    server = make_server(
        "127.0.0.1",
        state.port,
        make_application(place, state),
        threaded=True,
        request_handler=_Quiet,
    )
    threading.Thread(target=_watch, args=(place,), daemon=True).start()
    server.serve_forever()


def _watch(place: LabPlace) -> None:
    while place.state_file.exists():
        time.sleep(_LOOK_SECONDS)
    os._exit(0)


def main() -> None:
    """Go to the background, so that whoever started us need not wait for our end."""
    place = LabPlace(Path(sys.argv[1]))
    state = read_cloud(place)
    if state is None:
        sys.exit("no cloud.json in the lab's directory")
    if os.fork():
        os._exit(0)
    os.setsid()
    os.chdir("/")
    for name in _NOT_OURS:
        os.environ.pop(name, None)
    # At once: threads that wait for a server would hold an ordinary end up.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    logging.basicConfig(level=logging.WARNING)
    serve(place, state)


if __name__ == "__main__":
    main()
