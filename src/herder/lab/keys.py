"""The lab's own ssh keys: one pair to log in with, one host key per server."""

from __future__ import annotations

from pathlib import Path

from herder.lab.place import LabPlace
from herder.lab.programs import run_program
from herder.lab.state import LabState, Server, write_whole


def make_key(path: Path, comment: str) -> str:
    """Make a key pair at `path` unless it is there; give the public key, without comment."""
    public = path.with_name(f"{path.name}.pub")
    if not (path.exists() and public.exists()):
        path.unlink(missing_ok=True)
        run_program(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)])
    return " ".join(public.read_text(encoding="utf-8").split()[:2])


def write_known_hosts(place: LabPlace, state: LabState) -> None:
    """Write the host keys that a client of this lab may accept, and no others."""
    lines = [f"{_known_as(server)} {server.host_key}\n" for server in state.servers]
    write_whole(place.known_hosts_file, "".join(lines))


def _known_as(server: Server) -> str:
    # ssh looks a host up in this form as soon as its port is not 22 (sshd(8), SSH_KNOWN_HOSTS).
    return server.address if server.port == 22 else f"[{server.address}]:{server.port}"
