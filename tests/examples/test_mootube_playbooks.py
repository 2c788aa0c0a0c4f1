"""MooTube's playbooks where a fleet is not as it should be; servers are folders of this machine."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from ansible_collections.herder.deploy.plugins.module_utils.release_layout import Layout
from ansible_collections.herder.deploy.plugins.module_utils.release_lease import (
    acquire,
    this_moment,
)

from herder.lab.mootube import VAULT_PASSWORD_FILE, find_example
from tests.support.cloud_plays import HAS_EXTRAS
from tests.support.two_engines import without_ansible

pytestmark = pytest.mark.timeout(60)

_NEEDS_AWS = pytest.mark.skipif(not HAS_EXTRAS, reason="needs the extras cloud and aws")
_HAPROXY = """
global
  stats socket {folder}/admin.sock mode 600 level admin
defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
frontend web
  bind unix@{folder}/web.sock
  default_backend mootube
backend mootube
  server web1 127.0.0.1:9
"""


def _play(playbook: str, folder: Path, servers: Mapping[str, str], **variables: object) -> str:
    """Run one of MooTube's playbooks on servers that run these releases; give what it printed."""
    lines = ["[all:vars]", "ansible_connection=local", "ansible_become=false"]
    lines += [f"ansible_python_interpreter={sys.executable}", "[webserver]"]
    for name, release in servers.items():
        lines.append(f"{name} mootube_root={folder / name}")
        (folder / name / "current").mkdir(parents=True)
        (folder / name / "current" / "RELEASE").write_text(f"{release}\n")
        (folder / name / "current" / "REVISION").write_text("0" * 40 + "\n")
    (folder / "hosts.ini").write_text("\n".join([*lines, ""]))
    words = ("-i", str(folder / "hosts.ini"), "--vault-password-file", VAULT_PASSWORD_FILE)
    away = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_MAX_ATTEMPTS": "1", "AWS_REGION": "x"}
    # what a play that failed leaves of its archive
    keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "TMPDIR": str(folder)}
    ended = subprocess.run(
        [sys.executable, "-m", "herder", "playbook", playbook, *words, "-e", json.dumps(variables)],
        cwd=find_example().ansible_folder,
        env={**without_ansible(), **away, **keys, "ANSIBLE_NOCOLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.stdout + ended.stderr


def _hosts_of(task: str, said: str) -> list[str]:
    """Give the hosts on which a task went well."""
    part = said.partition(f"TASK [{task}]")[2].partition("TASK [")[0]
    return sorted(set(re.findall(r"^(?:ok|changed): \[([^\] ]+)", part, re.MULTILINE)))


@pytest.mark.parametrize(
    ("servers", "behind"),
    [
        ({"web1": "v10", "web2": "v10", "web3": "v9"}, ["web3"]),
        ({"web1": "v1", "web2": "v1", "web3": "v2"}, ["web3"]),
        ({"web1": "v1", "web2": "v2"}, ["web1"]),
    ],
)
def test_servers_catch_up_with_most_of_the_others(
    servers: Mapping[str, str], behind: list[str], tmp_path: Path
) -> None:
    """A server that was off during a rollback came back and took the bad release to all others,
    at once; and 'v9' passed for newer than 'v10'.
    """
    said = _play("catch-up.yml", tmp_path, servers, mootube_repository="/nonexistent")

    assert _hosts_of("Stop where no server has a release", said) == behind, said


@pytest.mark.parametrize(
    ("playbook", "after"),
    [
        ("catch-up.yml", "See which release runs"),
        pytest.param("remove.yml", "Drain it", marks=_NEEDS_AWS),
    ],
)
def test_fleet_stays_as_it_is_while_somebody_deploys(
    playbook: str, after: str, tmp_path: Path
) -> None:
    """The balancer was told to let in whom the deployment had drained, and a server that went
    took the whole deployment back.
    """
    wish = {"owner": "mia", "user": "mia", "host": "laptop", "release": "v2", "progress": "batch 1"}
    acquire(Layout(str(tmp_path / "web2")), wish, 60.0, this_moment())

    said = _play(playbook, tmp_path, {"web1": "v1", "web2": "v1"}, leaving="web2")

    assert "mia on laptop deploys v2 just now (batch 1); nothing was changed" in said
    assert after not in said


@pytest.fixture
def haproxy(tmp_path: Path) -> Iterator[Path]:
    """Give the admin socket of a HAProxy that knows web1 only."""
    (tmp_path / "haproxy.cfg").write_text(_HAPROXY.format(folder=tmp_path))
    process = subprocess.Popen(["haproxy", "-f", str(tmp_path / "haproxy.cfg"), "-db", "-q"])
    path = tmp_path / "admin.sock"
    while process.poll() is None and not _is_listening(path):
        time.sleep(0.02)
    yield path
    process.terminate()
    process.wait()


def _is_listening(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(os.fspath(path)) == 0


@_NEEDS_AWS
@pytest.mark.skipif(not shutil.which("haproxy"), reason="haproxy is not installed")
def test_server_that_was_never_let_in_can_be_removed(haproxy: Path, tmp_path: Path) -> None:
    """It was created and not brought in; giving up with `herder scale` failed for ever."""
    said = _play(
        *("remove.yml", tmp_path / "site", {"web1": "v1", "web2": "v1"}),
        leaving="web2",
        mootube_balancers=["web1"],
        haproxy_socket=str(haproxy),
    )

    assert "TASK [Terminate the instances]" in said


def test_database_is_of_the_version_that_the_system_has(tmp_path: Path) -> None:
    """Debian 12 brings PostgreSQL 15, each later system another; the demo must run there too."""
    (tmp_path / "site.yml").write_text(
        "- hosts: localhost\n  gather_facts: false\n"
        f"  vars_files: {find_example().ansible_folder}/roles/database/defaults/main.yml\n"
        "  vars: {postgresql_found: {files: [{path: /etc/pg/9}, {path: /etc/pg/18}]}}\n"
        "  tasks: [{assert: {that: postgresql_folder == '/etc/postgresql/18/main'}}]\n"
    )

    ended = subprocess.run(
        [sys.executable, "-m", "herder", "playbook", "site.yml"],
        cwd=tmp_path,
        env=without_ansible(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stdout
