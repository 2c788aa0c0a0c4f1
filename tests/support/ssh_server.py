"""A throwaway OpenSSH server on a loopback port, with users of its own.

It runs in a mount namespace where a copy of /etc lies over the real one, so nothing of it can be
seen outside or stays when it has ended. Not single files: as soon as somebody outside replaces
/etc/passwd (useradd does), what is mounted over it is gone in every namespace.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

PASSWORD = "corr'ect \"horse"
SSHD = "/usr/sbin/sshd"


@dataclass(frozen=True)
class SshServer:
    """Where the server is; `key` opens root's, asker's and free's accounts.

    `asker` may use sudo with PASSWORD, `free` without any, `barred` not at all, `tied` only from a
    terminal, with PASSWORD as root and without any as barred.
    """

    port: int
    key: Path
    folder: Path
    process_id: int

    @property
    def arguments(self) -> tuple[str, ...]:
        """What a test's ssh needs so that it asks and writes nothing of the user's."""
        return ("-F", "/dev/null", "-o", f"UserKnownHostsFile={self.folder}/known_hosts")


def is_available() -> bool:
    """Whether such a server can run here."""
    programs = all(shutil.which(name) for name in ("unshare", "ssh", "ssh-keygen", "sudo"))
    return os.name == "posix" and os.geteuid() == 0 and programs and Path(SSHD).exists()


@contextmanager
def running_ssh_server(folder: Path, *, max_startups: str = "200") -> Iterator[SshServer]:
    """Run a server until the block ends; `max_startups` as in sshd_config(5)."""
    port = _free_port()
    _write_accounts(folder)
    _write_keys(folder)
    _write_configuration(folder, port, max_startups)
    process = _start(folder)
    try:
        _wait_until_open(port, process)
        _write_known_hosts(folder, port)
        yield SshServer(port, folder / "key", folder, process.pid)
    finally:
        process.terminate()
        process.wait(10)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _write_accounts(folder: Path) -> None:
    folder.chmod(0o755)
    etc = folder / "etc"
    subprocess.check_call(["cp", "--archive", "/etc", str(etc)])
    hashed = subprocess.check_output(["openssl", "passwd", "-6", PASSWORD], text=True).strip()
    for number, name in enumerate(("asker", "free", "barred", "nobodyhome", "tied"), start=61001):
        home = folder / name
        home.mkdir(mode=0o700)
        os.chown(home, number, number)
        with (etc / "passwd").open("a") as file:
            file.write(f"{name}:x:{number}:{number}::{home}:/bin/sh\n")
        with (etc / "group").open("a") as file:
            file.write(f"{name}:x:{number}:\n")
        with (etc / "shadow").open("a") as file:
            file.write(f"{name}:{hashed}:19000:0:99999:7:::\n")
    with (etc / "sudoers").open("a") as file:
        file.write("\nasker ALL=(ALL) ALL\nfree ALL=(ALL) NOPASSWD: ALL\nDefaults !lecture\n")
        file.write("tied ALL=(ALL) ALL, (barred) NOPASSWD: ALL\nDefaults:tied requiretty\n")
    (etc / "sudoers").chmod(0o440)


def _write_keys(folder: Path) -> None:
    for name in ("host_key", "key"):
        subprocess.check_call(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        )
    shutil.copy(folder / "key.pub", folder / "authorized_keys")
    (folder / "authorized_keys").chmod(0o644)


def _write_configuration(folder: Path, port: int, max_startups: str) -> None:
    (folder / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host_key\n"
        f"AuthorizedKeysFile {folder}/authorized_keys\nStrictModes no\nUsePAM no\n"
        f"PidFile none\nPermitRootLogin yes\nMaxStartups {max_startups}\nMaxSessions 200\n"
        # the default is safe from quantum computers too, and takes ten times as long to compute
        "KexAlgorithms curve25519-sha256\n"
    )


def _start(folder: Path) -> subprocess.Popen[bytes]:
    line = (
        f"mount --bind {folder}/etc /etc; mkdir -p /run/sshd;"
        f" exec {SSHD} -D -e -f {folder}/sshd_config"
    )
    with (folder / "sshd.log").open("wb") as log:
        return subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "/bin/sh", "-ec", line],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def _wait_until_open(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        if process.poll() is not None:
            break
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("the throwaway sshd did not start")


def _write_known_hosts(folder: Path, port: int) -> None:
    key = (folder / "host_key.pub").read_text()
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {key}")


@contextmanager
def server_or_skip(*, max_startups: str = "200") -> Iterator[SshServer]:
    """Give a running server with users of its own; skip the test where there can be none."""
    if not is_available():
        pytest.skip("needs root, sshd, sudo and mount namespaces")
    # not pytest's own directory: the server's users must be able to enter it
    with (
        tempfile.TemporaryDirectory(prefix="herder-sshd-") as folder,
        running_ssh_server(Path(folder), max_startups=max_startups) as server,
    ):
        yield server
