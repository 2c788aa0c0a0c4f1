"""Which Python an agent is started with."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.rooms.language.conftest import Play


def test_an_interpreter_with_half_a_quote_is_not_there(play: Play) -> None:
    """ansible-core's discovery goes wrong with it, says so, and goes on with the last resort."""
    variables = {
        "ansible_python_interpreter": "auto_silent",
        "ansible_interpreter_python_fallback": ["'half"],
    }
    done = play([{"ping": {}}], vars=variables)
    assert done.returncode == 0, done.stdout


def test_an_interpreter_that_is_not_there_is_told_as_ansible_tells_it(play: Play) -> None:
    """The sentence that people search for, and the shell's status."""
    done = play([{"ping": {}}], vars={"ansible_python_interpreter": "/nowhere/python"})
    assert "The module interpreter '/nowhere/python' was not found." in done.stdout
    assert '"rc": 127' in done.stdout


def test_an_interpreter_that_does_not_start_fails_the_task_as_with_ansible(
    play: Play, tmp_path: Path
) -> None:
    """The host is there, and `raw` can mend its Python."""
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho 'no such version' >&2\nexit 3\n")
    broken.chmod(0o755)
    tasks = [
        {"raw": "echo mending", "register": "mending"},
        {"ping": {}, "ignore_errors": True},
        {"debug": {"var": "mending.stdout"}},
    ]

    done = play(tasks, vars={"ansible_python_interpreter": str(broken)})

    assert (done.returncode, done.stdout.count("UNREACHABLE")) == (0, 0), done.stdout
    assert '"module_stderr": "no such version\\n"' in done.stdout
    assert '"rc": 3' in done.stdout
    assert "mending.stdout" in done.stdout


def test_without_a_known_interpreter_the_last_resort_is_tried(play: Play) -> None:
    """ansible-core warns and takes /usr/bin/python3 when none of the fallback list is there."""
    variables = {
        "ansible_python_interpreter": "auto",
        "ansible_interpreter_python_fallback": ["/nowhere/python"],
    }
    tasks = [
        {"ping": {}, "register": "answer"},
        {"assert": {"that": "discovered_interpreter_python == '/usr/bin/python3'"}},
    ]
    done = play(tasks, vars=variables)
    assert "No python interpreters found for host" in done.stderr + done.stdout
    assert done.returncode == 0, done.stdout


def test_what_was_found_on_a_host_holds_for_its_tasks_on_the_controller(
    play: Play, tmp_path: Path
) -> None:
    """A version manager puts names of Pythons into PATH that do not start."""
    broken = tmp_path / "bin" / "python3.13"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\necho 'no such version' >&2\nexit 127\n")
    broken.chmod(0o755)
    ways = Path(__file__).parents[2] / "data/language_features/plugins/connection_plugins"
    elsewhere = {
        "ansible_connection": "shelled",
        "ansible_interpreter_python_fallback": [sys.executable],
    }

    done = play(
        [{"ping": {}, "vars": elsewhere}, {"ping": {}}],
        vars={"ansible_python_interpreter": "auto_silent"},
        environment={
            "PATH": f"{broken.parent}:{os.environ['PATH']}",
            "ANSIBLE_CONNECTION_PLUGINS": str(ways),
        },
    )

    assert done.returncode == 0, done.stdout
