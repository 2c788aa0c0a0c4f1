"""What a worker prints and starts, held against what a worker process may do."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from ansible import constants

from herder.language import core_version
from herder.language.worker_output import detach_programs, kept_output

ABOUT_ITSELF = "import os; print(os.getsid(0), os.getpgid(0), os.getpid())"


def _started() -> tuple[int, int, int]:
    """Start a program as an action plugin would; give its session, group and number."""
    done = subprocess.run([sys.executable, "-c", ABOUT_ITSELF], capture_output=True, check=True)
    session, group, number = map(int, done.stdout.split())
    return session, group, number


def test_what_a_worker_starts_is_in_a_session_of_its_own() -> None:
    """Nothing that a task starts may take the terminal that passwords are asked on."""
    detach_programs()

    with kept_output():
        session, _group, number = _started()

    assert session == number


def test_without_isolation_it_keeps_the_session_and_with_it_the_terminal() -> None:
    """ansible-core 2.21 lets a task reach /dev/tty when it is asked to."""
    detach_programs()

    with kept_output(is_isolated=False):
        session, group, number = _started()

    assert session == os.getsid(0)
    assert group == number


def test_what_no_worker_starts_is_left_alone() -> None:
    """Our own programs choose for themselves."""
    detach_programs()

    session, group, _number = _started()

    assert (session, group) == (os.getsid(0), os.getpgid(0))


@pytest.mark.parametrize("variables", [{}, {"ansible_worker_session_isolation": False}])
def test_a_task_says_whether_it_is_isolated(variables: dict[str, object]) -> None:
    """The setting is new in ansible-core 2.21; before it, all tasks are."""
    settings = constants.config.get_configuration_definitions()
    is_known = "WORKER_SESSION_ISOLATION" in settings

    assert core_version.is_isolated(variables) is not (is_known and bool(variables))
