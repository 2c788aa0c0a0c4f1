"""Taking servers out of a real HAProxy and putting them back."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.herder.deploy.plugins.module_utils import release_haproxy as haproxy
from ansible_collections.herder.deploy.plugins.module_utils.release_layout import DeployError
from ansible_collections.herder.deploy.plugins.modules import haproxy_server

CONFIGURATION = """
global
  stats socket {socket} mode 600 level admin
defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
frontend web
  bind 127.0.0.1:{port}
  default_backend site
backend site
  server web1 127.0.0.1:{server}
  server web2 127.0.0.1:{server} check inter 100
"""

pytestmark = pytest.mark.skipif(not shutil.which("haproxy"), reason="haproxy is not installed")


@pytest.fixture
def admin(tmp_path: Path) -> Iterator[str]:
    """Give the admin socket of a running HAProxy with two servers."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_server(("127.0.0.1", 0)) as free,
    ):
        path, port = str(tmp_path / "admin.sock"), free.getsockname()[1]
        free.close()
        text = CONFIGURATION.format(socket=path, port=port, server=server.getsockname()[1])
        (tmp_path / "haproxy.cfg").write_text(text)
        process = subprocess.Popen(["haproxy", "-f", str(tmp_path / "haproxy.cfg"), "-db", "-q"])
        deadline = time.monotonic() + 10
        while not os.path.exists(path) and time.monotonic() < deadline:
            time.sleep(0.02)
        yield path
        process.terminate()
        process.wait()


def status(admin: str, server: str) -> str:
    """Give how HAProxy says a server is."""
    return str(haproxy.find(lambda line: haproxy.ask_socket(admin, line), server, "")[0].status)


@pytest.mark.parametrize("server", ["web1", "web2"])
def test_out_and_in_again(admin: str, server: str) -> None:
    """With and without health checks; each order waits until it is so."""

    def ask(line: str) -> str:
        return str(haproxy.ask_socket(admin, line))

    for state, seen in (("drain", "DRAIN"), ("maint", "MAINT"), ("ready", ("UP", "no check"))):
        haproxy.bring(ask, [server, "site"], state, 10.0)
        assert status(admin, server).startswith(seen)


@pytest.mark.parametrize("seen", ["MAINT", "UP"])
def test_a_maintenance_is_ended_only_by_who_may(admin: str, seen: str) -> None:
    """Somebody works on that server; a deployment that drains it must not let it in."""
    keep = seen == "MAINT"
    haproxy.ask_socket(admin, "set server site/web2 state maint")
    words = {"socket": admin, "server": "web2", "backend": "", "wait_seconds": 10.0}

    for state in ("drain", "ready"):
        told = haproxy_server.work(dict(words, state=state, keep_maintenance=keep), is_check=False)
        assert (told["changed"], bool(told["warnings"])) == (not keep, keep)

    assert status(admin, "web2").startswith(seen)


def test_unknown_server_is_refused(admin: str) -> None:
    """A typing mistake must not look like a drained server."""
    with pytest.raises(DeployError, match="no server web9 in backend site"):
        haproxy.find(lambda line: haproxy.ask_socket(admin, line), "web9", "site")


def test_no_haproxy_is_told() -> None:
    """With the path, so that one sees what is wrong."""
    with pytest.raises(DeployError, match="haproxy socket /nonexistent"):
        haproxy.ask_socket("/nonexistent", "show stat")


@pytest.mark.parametrize(
    ("said", "told"), [(b"", "said nothing"), (b"Permission denied\n\n", "said Permission denied")]
)
def test_answer_that_is_no_statistics_is_no_haproxy_without_servers(
    said: bytes, told: str, tmp_path: Path
) -> None:
    """A server it did not tell of would pass for one that no visitor comes to, and be removed."""
    path = str(tmp_path / "admin.sock")

    with socket.create_server(path, family=socket.AF_UNIX) as listener:
        threading.Thread(target=_answer, args=(listener, said), daemon=True).start()
        with pytest.raises(DeployError, match=told) as failure:
            haproxy.find(lambda line: haproxy.ask_socket(path, line), "web1", "site")

    assert failure.value.reference == "haproxy-answer"


def _answer(listener: socket.socket, said: bytes) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(4096)
        connection.sendall(said)
