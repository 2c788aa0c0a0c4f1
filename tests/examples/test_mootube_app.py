"""MooTube, the example site: its own tests, its repository with two versions, its playbooks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

MOOTUBE = Path(__file__).parents[2] / "examples" / "mootube"
# One needs a role that people install, the other names it.
OTHERS = {"deploy-ansistrano.yml", "requirements.yml"}
# The modules for AWS are an extra that is not installed everywhere.
EXTRA = "amazon.aws"
PLAYBOOKS = sorted(
    path.name
    for path in (MOOTUBE / "ansible").glob("*.yml")
    if path.name not in OTHERS and EXTRA not in path.read_text(encoding="utf-8")
)


def _has_django(python: str) -> bool:
    done = subprocess.run([python, "-c", "import django"], capture_output=True, check=False)
    return done.returncode == 0


def _python_with_django() -> str:
    """Give a python that has Django: this one, or the system's; skip the test without one."""
    candidates = (sys.executable, shutil.which("python3", path="/usr/bin") or sys.executable)
    for python in candidates:
        if _has_django(python):
            return python
    pytest.skip("no Django here")


def _run(words: list[str], folder: Path, **environment: str) -> str:
    done = subprocess.run(
        words,
        cwd=folder,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Give a git repository of version one, as the demo makes it."""
    if shutil.which("git") is None:
        pytest.skip("no git here")
    folder = tmp_path / "site.git"
    _run([sys.executable, str(MOOTUBE / "make_repository.py"), str(folder)], tmp_path)
    return folder


def test_first_version_passes_its_own_tests(repository: Path) -> None:
    """A demo of a broken site shows nothing."""
    database = f"sqlite:///{repository.parent}/test.sqlite3"
    words = [_python_with_django(), "manage.py", "test"]

    _run(words, repository, DEBUG="1", DATABASE_URL=database)


def test_second_version_passes_its_own_tests(repository: Path) -> None:
    """The patch must still fit the site, and the release it makes must work."""
    _run(
        [sys.executable, str(MOOTUBE / "make_repository.py"), str(repository), "--second"],
        repository,
    )
    database = f"sqlite:///{repository.parent}/test.sqlite3"
    words = [_python_with_django(), "manage.py", "test"]

    _run(words, repository, DEBUG="1", DATABASE_URL=database)


def test_first_version_works_on_the_second_versions_database(repository: Path) -> None:
    """In a rolling deployment servers with the old code go on after the migration."""
    python = _python_with_django()
    settings = {"DEBUG": "1", "DATABASE_URL": f"sqlite:///{repository.parent}/shared.sqlite3"}
    older = repository.parent / "older"
    shutil.copytree(repository, older)
    make = [sys.executable, str(MOOTUBE / "make_repository.py"), str(repository), "--second"]
    _run(make, repository)

    _run([python, "manage.py", "migrate"], repository, **settings)

    assert "loaded 9 videos" in _run([python, "manage.py", "load_herd"], older, **settings)


def test_third_version_is_healthy_only_where_its_setting_is(repository: Path) -> None:
    """The demo's health gate fails on one server, and for this reason only."""
    for version in ("--second", "--third"):
        make = [sys.executable, str(MOOTUBE / "make_repository.py"), str(repository), version]
        _run(make, repository)
    settings = {"DEBUG": "1", "DATABASE_URL": f"sqlite:///{repository.parent}/test.sqlite3"}
    python = _python_with_django()
    _run([python, "manage.py", "migrate"], repository, **settings)
    ask = "from django.test import Client; print(Client().get('/healthz').status_code)"
    words = [python, "manage.py", "shell", "--command", ask]

    lacking = _run(words, repository, **settings)
    set_up = _run(words, repository, **settings, MOO_VOLUME="11")

    assert (lacking.split()[-1], set_up.split()[-1]) == ("503", "200")


def test_site_does_not_start_without_a_secret_key(repository: Path) -> None:
    """A default key in production would let anybody sign sessions."""
    done = subprocess.run(
        [_python_with_django(), "manage.py", "check"],
        cwd=repository,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "SECRET_KEY is neither in the environment nor in .env" in done.stderr


def test_playbooks_are_good_syntax_for_ansible_playbook(tmp_path: Path) -> None:
    """The example is plain Ansible: people compare the two commands with it."""
    password = "vault-password-for-the-demo.txt"
    words = [sys.executable, "-m", "ansible", "playbook", *PLAYBOOKS, "--syntax-check"]

    said = _run(
        [*words, "--vault-password-file", password],
        MOOTUBE / "ansible",
        ANSIBLE_HOME=str(tmp_path),
        ANSIBLE_CONFIG=str(MOOTUBE / "ansible" / "ansible.cfg"),
    )

    assert [line for line in said.splitlines() if line] == [f"playbook: {x}" for x in PLAYBOOKS]
