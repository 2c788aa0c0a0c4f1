"""The lab's HAProxy as the cloud's load balancer: servers come, drain and go while it runs.

*Source*: HAProxy 2.6 management guide, section 9.3 (add server, set server, del server).
"""

from __future__ import annotations

import csv
import shlex
import time
from collections.abc import Iterable
from dataclasses import dataclass

from herder.errors import LabError
from herder.lab.cloud_hands import CloudHands

SOCKET = "/run/haproxy/admin.sock"
_CHECK = "check inter 1s fall 2 rise 1"
_PAUSE_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Member:
    """A server of a backend as HAProxy sees it. *Shapes*: `status` is HAProxy's: 'UP', 'DRAIN'."""

    name: str
    status: str
    check: str
    sessions: int


@dataclass(frozen=True, slots=True)
class Balancer:
    """HAProxy on one server of the lab, asked over its admin socket; backends have the names of
    target groups.
    """

    hands: CloudHands
    server: str

    def add(self, backend: str, name: str, address: str) -> None:
        """Let a server have visitors as soon as its check succeeds; one that is known comes back.

        *Raises*: LabError, when HAProxy does not take it.
        """
        slot = f"{backend}/{name}"
        if name not in self.members(backend):
            self._say(f"add server {slot} {address} {_CHECK}")
        self._say(f"enable health {slot}", f"set server {slot} state ready")

    def drain(self, backend: str, name: str) -> None:
        """Send no new visitors to a server."""
        self._say(f"set server {backend}/{name} state drain")

    def remove(self, backend: str, name: str, *, deadline_seconds: float) -> None:
        """Take a drained server out when its last visitor has gone, at the latest in time."""
        deadline = time.monotonic() + deadline_seconds
        while time.monotonic() < deadline:
            member = self.members(backend).get(name)
            if member is None or member.sessions == 0:
                break
            time.sleep(_PAUSE_SECONDS)
        slot = f"{backend}/{name}"
        # One from the configuration file cannot be deleted and stays out in maintenance.
        self._say(f"set server {slot} state maint", f"del server {slot}", check=False)

    def members(self, backend: str) -> dict[str, Member]:
        """Give the backend's servers by name. *Raises*: LabError, when HAProxy does not answer."""
        said = self._say("show stat", check=False)
        if not said.startswith("# pxname"):
            text = f"HAProxy gives no statistics: {said.strip()[:80] or 'no answer'}"
            raise LabError(text, context=self.server)
        return {
            row["svname"]: Member(
                row["svname"], row["status"], row.get("check_status", ""), int(row["scur"] or 0)
            )
            for row in csv.DictReader(said.removeprefix("# ").splitlines())
            if row["pxname"] == backend and row["svname"] not in ("FRONTEND", "BACKEND")
        }

    def _say(self, *lines: str, check: bool = True) -> str:
        """Say lines to the admin socket. *Raises*: LabError, when the answer is a complaint."""
        said = [self._ask(line) for line in lines]
        if check and (complaint := _first_complaint(said)):
            raise LabError(f"HAProxy refused: {complaint}", context=self.server)
        return "\n".join(said)

    def _ask(self, line: str) -> str:
        command = f"printf '%s\\n' {shlex.quote(line)} | socat -t 5 stdio {SOCKET}"
        return self.hands.command(self.server, command)


def _first_complaint(said: Iterable[str]) -> str:
    texts = [text.strip() for text in said if text.strip()]
    return next((text for text in texts if not text.startswith("New server registered")), "")
