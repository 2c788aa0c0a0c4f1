"""The agent's beginning and end: take the streams, greet, serve, exit."""

from __future__ import annotations

import os
import platform
import pwd
import signal
import sys

from herder.agent.calls import Resources
from herder.agent.channel import Channel, take_standard_streams
from herder.agent.loop import Loop
from herder.agent.server import Server
from herder.agent.start import private_directory
from herder.agent.store import count_entries
from herder.wire.handshake import Greeting, encode_greeting


def main() -> None:
    """Be an agent until the controller is gone; does not return."""
    status = 1
    try:
        serve()
        status = 0
    finally:
        os._exit(status)


def serve() -> None:
    """Greet and serve one conversation."""
    source, sink = take_standard_streams()
    for number in (signal.SIGINT, signal.SIGHUP):
        # not SIG_IGN: that would pass on to every program a module starts
        signal.signal(number, lambda *_: None)
    directory = private_directory()
    loop = Loop()
    channel = Channel(loop, source, sink)
    channel.send_bytes(encode_greeting(_greeting(directory)))
    resources = Resources(loop, directory)
    server = Server(loop, channel, resources)
    signal.signal(signal.SIGTERM, lambda *_: channel.close())
    loop.later(0.0, resources.warmth.start)
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
        system=platform.system(),
        process_id=os.getpid(),
        cached=count_entries(directory),
    )
