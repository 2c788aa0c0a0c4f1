"""The agent's beginning and end: take the streams, greet, serve, exit."""

from __future__ import annotations

import os
import pwd
import sys

from herder.agent.channel import Channel, take_standard_streams
from herder.agent.loop import Loop
from herder.agent.resources import Resources
from herder.agent.server import Server
from herder.agent.start import PARTS, private_directory
from herder.wire.handshake import Greeting, encode_greeting

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
else:
    import _signal as signal


def main(release: str) -> None:
    """Be an agent until the controller is gone; does not return. `release` is its code's digest."""
    status = 1
    try:
        serve(release)
        status = 0
    finally:
        os._exit(status)


def serve(release: str) -> None:
    """Greet and serve one conversation."""
    source, sink = take_standard_streams()
    for number in (signal.SIGINT, signal.SIGHUP):
        # not SIG_IGN: that would pass on to every program a module starts
        signal.signal(number, lambda *_: None)
    directory = private_directory()
    greeting = _greeting(directory)
    loop = Loop()
    channel = Channel(loop, source, sink)
    channel.send_bytes(encode_greeting(greeting))
    resources = Resources(loop, directory, release, cached=greeting.cached)
    server = Server(loop, channel, resources)
    signal.signal(signal.SIGTERM, lambda *_: channel.close())
    loop.later(0.0, resources.warm_up)
    server.run()


def _greeting(directory: str | None) -> Greeting:
    user = os.geteuid()
    try:
        name = pwd.getpwuid(user).pw_name
    except KeyError:
        name = str(user)
    major, minor, micro = sys.version_info[:3]
    return Greeting(
        python=sys.executable,
        python_version=(major, minor, micro),
        user=name,
        uid=user,
        home=os.path.expanduser("~"),
        system=os.uname().sysname,
        process_id=os.getpid(),
        cached=_count_entries(directory),
    )


def _count_entries(directory: str | None) -> int:
    """Give how many parts for this Python the cache holds."""
    if directory is None:
        return 0
    try:
        return sum(1 for name in os.listdir(directory) if name.startswith(PARTS))
    except OSError:
        return 0
