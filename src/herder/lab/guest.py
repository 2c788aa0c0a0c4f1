"""What makes a copy of the host's files a machine of its own: names, keys, users, few services."""

from __future__ import annotations

import ctypes
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from herder.errors import LabError
from herder.lab.layers import Layers
from herder.lab.network import WAY_OUT_PORT, gateway_address

MARKER = "etc/herder-lab.json"

# What a new server has not: somebody's homes, what they left lying about, and other labs.
_HIDDEN = ("root", "home", "tmp", "var/tmp", "var/lib/herder")
_UNIT_FOLDERS = ("lib/systemd/system", "usr/lib/systemd/system", "etc/systemd/system")
_SSHD_CONFIG = """\
Include /etc/ssh/sshd_config.d/*.conf
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin prohibit-password
KbdInteractiveAuthentication no
UsePAM yes
UseDNS no
PrintMotd no
MaxStartups 200
MaxSessions 100
AcceptEnv LANG LC_*
Subsystem sftp /usr/lib/openssh/sftp-server
"""


@dataclass(frozen=True, slots=True)
class Guest:
    """Who a machine is.

    *Shapes*: `hosts` is the text of /etc/hosts; `host_key_file` is a private key beside its
    '.pub'; `authorized_keys` are lines; `hidden` are further directories of the host not to show.
    """

    name: str
    hosts: str
    host_key_file: Path
    authorized_keys: tuple[str, ...]
    sudo_user: str
    sudo_password: str
    network: str
    hidden: tuple[Path, ...] = ()


def prepare_guest(layers: Layers, guest: Guest) -> None:
    """Write into the machine's own layer all that it needs before its first boot.

    A machine from an image that was kept of another keeps that one's homes and services: only
    who it is gets written.
    """
    if layers.find(MARKER) is None:
        _hide_what_is_the_hosts(layers, guest)
        _disable_services(layers)
        _write_users(layers, guest)
    _write_identity(layers, guest)
    _write_network(layers, guest)
    _write_keys(layers, guest)


def _hide_what_is_the_hosts(layers: Layers, guest: Guest) -> None:
    for path in (*_HIDDEN, *(str(path).lstrip("/") for path in guest.hidden)):
        layers.hide(path)
    for path in ("var/log", "var/spool/cron"):
        layers.keep_directories(path)
    # Without it the journal stays in memory, and goes with the machine.
    layers.remove("var/log/journal")
    # A container's image says so here, and keeps services from starting when they are installed.
    layers.remove(".dockerenv")
    layers.remove("usr/sbin/policy-rc.d")
    layers.write("etc/fstab", "")
    layers.remove("etc/crypttab")


def _disable_services(layers: Layers) -> None:
    """Enable ssh and nothing else; everything can still be started or enabled by its name."""
    for name in layers.names("etc/systemd/system"):
        if name.endswith((".wants", ".requires")):
            layers.hide(f"etc/systemd/system/{name}")
    for name in layers.names("etc"):
        if name.startswith("rc") and name.endswith(".d"):
            layers.hide(f"etc/{name}")
    unit = _ssh_unit(layers)
    layers.link(f"etc/systemd/system/multi-user.target.wants/{Path(unit).name}", f"/{unit}")
    # Users other than root may log in only after this one; ssh answers when it is worth asking.
    after = "[Unit]\nAfter=systemd-user-sessions.service\n"
    layers.write(f"etc/systemd/system/{Path(unit).name}.d/herder-lab.conf", after)
    layers.link("etc/systemd/system/default.target", "/lib/systemd/system/multi-user.target")


def _ssh_unit(layers: Layers) -> str:
    for folder in _UNIT_FOLDERS:
        for name in ("ssh.service", "sshd.service"):
            if layers.find(f"{folder}/{name}") is not None:
                return f"{folder}/{name}"
    raise LabError("no ssh service on this host", hint="apt-get install -y openssh-server")


def _write_identity(layers: Layers, guest: Guest) -> None:
    layers.write(MARKER, json.dumps({"name": guest.name}) + "\n")
    layers.write("etc/hostname", f"{guest.name}\n")
    layers.write("etc/hosts", guest.hosts)
    # An empty one would make systemd take this for the first boot of all and enable every service.
    layers.write("etc/machine-id", f"{secrets.token_hex(16)}\n", mode=0o444)
    layers.write("etc/ssh/sshd_config", _SSHD_CONFIG)
    for name in layers.names("etc/ssh"):
        if name.startswith("ssh_host_"):
            layers.remove(f"etc/ssh/{name}")
    private = guest.host_key_file
    public = private.with_name(f"{private.name}.pub")
    layers.write("etc/ssh/ssh_host_ed25519_key", private.read_text("utf-8"), mode=0o600)
    layers.write("etc/ssh/ssh_host_ed25519_key.pub", public.read_text("utf-8"))


def _write_network(layers: Layers, guest: Guest) -> None:
    """Point names and packages at the lab's bridge, the only thing that the machine can reach."""
    gateway = gateway_address(guest.network)
    # Nothing answers there: a name that /etc/hosts lacks is then not found at once.
    layers.write("etc/resolv.conf", f"nameserver {gateway}\n")
    proxy = f"http://{gateway}:{WAY_OUT_PORT}"
    apt = f'Acquire::http::Proxy "{proxy}";\nAcquire::https::Proxy "{proxy}";\n'
    layers.write("etc/apt/apt.conf.d/95herder-lab", apt)
    layers.write("etc/xdg/pip/pip.conf", f"[global]\nproxy = {proxy}\n")


def _write_keys(layers: Layers, guest: Guest) -> None:
    text = "".join(f"{line}\n" for line in guest.authorized_keys)
    homes = {"root": (0, 0)}
    if entry := _entry(layers, "etc/passwd", guest.sudo_user):
        homes[f"home/{guest.sudo_user}"] = (int(entry[2]), int(entry[3]))
    for home, owner in homes.items():
        layers.write(f"{home}/.ssh/authorized_keys", text, mode=0o600)
        folder = layers.upper / home / ".ssh"
        folder.chmod(0o700)
        for path in (folder, folder / "authorized_keys"):
            os.chown(path, *owner)


def _write_users(layers: Layers, guest: Guest) -> None:
    user = guest.sudo_user
    number = _free_number(layers)
    home = f"home/{user}"
    _add_line(layers, "etc/passwd", f"{user}:x:{number}:{number}::/{home}:/bin/bash", 0o644)
    _add_line(layers, "etc/group", f"{user}:x:{number}:", 0o644)
    shadow = f"{user}:{hash_password(guest.sudo_password)}:19000:0:99999:7:::"
    _add_line(layers, "etc/shadow", shadow, 0o640)
    group = _entry(layers, "etc/group", "shadow")
    os.chown(layers.upper / "etc/shadow", 0, int(group[2]) if group else 0)
    layers.write("etc/sudoers.d/herder-lab", f"{user} ALL=(ALL:ALL) ALL\n", mode=0o440)
    for folder, owner in (("root", 0), (home, number)):
        _copy_skeleton(layers, folder, owner)


def _copy_skeleton(layers: Layers, home: str, owner: int) -> None:
    os.chown(layers.directory(home), owner, owner)
    for name in layers.names("etc/skel"):
        found = layers.find(f"etc/skel/{name}")
        if found is not None and found.is_file():
            layers.write(f"{home}/{name}", found.read_text(encoding="utf-8"))
            os.chown(layers.upper / home / name, owner, owner)


def _free_number(layers: Layers) -> int:
    """Give a user number that is free both as user and as group."""
    lines = (layers.read("etc/passwd") + layers.read("etc/group")).splitlines()
    taken = {int(line.split(":")[2]) for line in lines if line.count(":") >= 3}
    return next(number for number in range(1000, 60000) if number not in taken)


def _entry(layers: Layers, path: str, name: str) -> list[str] | None:
    for line in layers.read(path).splitlines():
        if line.startswith(f"{name}:"):
            return line.split(":")
    return None


def _add_line(layers: Layers, path: str, line: str, mode: int) -> None:
    """Add a line of passwd, group or shadow in place of the one with the same first field."""
    start = line.partition(":")[0] + ":"
    kept = [known for known in layers.read(path).splitlines() if not known.startswith(start)]
    layers.write(path, "".join(f"{text}\n" for text in (*kept, line)), mode=mode)


def hash_password(password: str) -> str:
    """Give the password as /etc/shadow wants it (crypt(3), SHA-512).

    Python 3.13 has no crypt module; the library is on every system that has PAM.
    """
    library = ctypes.CDLL("libcrypt.so.1")
    library.crypt.restype = ctypes.c_char_p
    salt = f"$6${secrets.token_hex(8)}$"
    hashed: bytes | None = library.crypt(password.encode(), salt.encode())
    if not hashed:
        raise LabError("crypt(3) cannot make SHA-512 password hashes here")
    return hashed.decode("ascii")
