"""Who runs Herder, also where the machine knows neither this user nor a home: a job's container."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from herder.person import at_home, user_name

UNKNOWN = ["unshare", "--user", "--map-user=54321", "--map-group=54321"]
PLAYBOOK = "- {hosts: localhost, connection: local, gather_facts: false, tasks: [{debug: }]}\n"


def test_home_stands_for_its_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that is kept from run to run lies there."""
    monkeypatch.setenv("HOME", "/home/ann")

    assert at_home(Path("~/.cache/herder")) == Path("/home/ann/.cache/herder")
    assert at_home(Path("/var/cache")) == Path("/var/cache")


def test_user_is_told_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """The record of runs and the lease on hosts say it."""
    monkeypatch.setenv("LOGNAME", "ann")

    assert user_name() == "ann"


@pytest.mark.timeout(60)
@pytest.mark.parametrize(("command", "code"), [("playbook", 0), ("deploy", 5)])
@pytest.mark.parametrize("home", [{}, {"HOME": "/dev/null/home"}])
def test_a_user_that_the_machine_does_not_know_may_run(
    tmp_path: Path, command: str, code: int, home: dict[str, str]
) -> None:
    """`docker run --user 1000` has no line in /etc/passwd and perhaps no HOME."""
    if subprocess.run([*UNKNOWN, "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs user namespaces")
    site = tmp_path / "site"
    site.mkdir()
    (site / "site.yml").write_text(PLAYBOOK)
    given = {"PATH": os.environ["PATH"], "ANSIBLE_HOME": str(tmp_path / "ansible"), **home}

    done = subprocess.run(
        [*UNKNOWN, sys.executable, "-m", "herder", command, "site.yml", "-i", "localhost,"],
        cwd=site,
        env={**given, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "Traceback" not in done.stderr
    assert done.returncode == code, done.stderr
    assert [path.name for path in site.iterdir()] == ["site.yml"]
