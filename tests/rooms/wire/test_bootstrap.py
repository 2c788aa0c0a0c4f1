"""wire/bootstrap.py: the one line that starts an agent, in the shells that hosts have."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from herder.wire.bootstrap import LENGTH_DIGITS, agent_payload, bootstrap_line, ready_payload
from herder.wire.handshake import GREETING, NO_PYTHON, OLD_PYTHON, READY

SHELLS = [
    shell.split()
    for shell in ("dash", "bash", "busybox sh", "zsh", "ksh")
    if shutil.which(shell.split()[0])
]


def run(line: str, *, shell: list[str], stdin: bytes) -> subprocess.CompletedProcess[bytes]:
    """Run a line as a login would."""
    return subprocess.run([*shell, "-c", line], input=stdin, capture_output=True, check=False)


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_line_starts_an_agent_in_every_shell(shell: list[str]) -> None:
    """/bin/sh is another program on every system."""
    ended = run(bootstrap_line((sys.executable,)), shell=shell, stdin=agent_payload())

    assert ended.stdout.startswith(READY + GREETING)
    assert (ended.returncode, ended.stderr) == (0, b"")


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_line_may_go_through_a_login_shell_of_sudo(shell: list[str]) -> None:
    """`become_flags: -i`: sudo escapes all but letters, digits, `_`, `-` and, alas, `$`."""
    words = ("/bin/sh", "-c", bootstrap_line((sys.executable,)))
    escaped = [re.sub(r"([^A-Za-z0-9_$-])", r"\\\1", word) for word in words]

    ended = run(" ".join(escaped), shell=shell, stdin=agent_payload())

    assert ended.stdout.startswith(READY + GREETING)
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_line_means_the_same_to_fish() -> None:
    """To a login shell that is fish, two backslashes between single quotes are one."""
    line = bootstrap_line((sys.executable,))

    assert "\\\\" not in line
    assert "\\'" not in line


def test_the_first_stage_leaves_nothing_in_the_environment() -> None:
    """All that the agent runs would inherit it."""
    program = zlib.compress(b"print('HERDER_STAGE' in os.environ)")
    sent = f"{len(program):0{LENGTH_DIGITS}x}".encode() + program

    ended = run(bootstrap_line((sys.executable,)), shell=["/bin/sh"], stdin=sent)

    assert ended.stdout == READY + b"False\n"


def test_first_interpreter_that_is_there_is_taken(tmp_path: Path) -> None:
    """Names are looked for in PATH, words after a name are its arguments."""
    line = bootstrap_line(("/no/python", "python9", f"/usr/bin/env {sys.executable}"))

    ended = run(line, shell=["/bin/sh"], stdin=agent_payload())

    assert GREETING in ended.stdout


@pytest.mark.parametrize("quote", ["", '"'])
def test_interpreter_may_have_a_strange_path(quote: str, tmp_path: Path) -> None:
    """Whoever names a directory must not be able to break, or use, our quoting."""
    odd = tmp_path / "it's $(odd)"
    odd.mkdir()
    (odd / "python").symlink_to(sys.executable)

    line = bootstrap_line((f"{quote}{odd}/python{quote}",))
    ended = run(line, shell=["/bin/sh"], stdin=b"")

    assert ended.stdout == READY


def test_missing_interpreter_is_said_with_all_that_was_tried() -> None:
    """The user must see what was looked for."""
    ended = run(bootstrap_line(("python9", "/no/python")), shell=["/bin/sh"], stdin=b"")

    assert ended.returncode == 127
    assert ended.stderr == NO_PYTHON + b" python9, /no/python\n"


def test_too_old_interpreter_says_its_version(tmp_path: Path) -> None:
    """Python 2 and early 3 are still out there; the line must parse under them."""
    old = tmp_path / "python"
    words = ("import sys", "sys.version_info = (3, 6)", "sys.version = '3.6.8 (old)'")
    old.write_text("\n".join((f"#!{sys.executable}", *words, "exec(sys.argv[2])")))
    old.chmod(0o755)

    ended = run(bootstrap_line((str(old),)), shell=["/bin/sh"], stdin=agent_payload())

    assert (ended.returncode, ended.stdout) == (96, b"")
    assert ended.stderr.startswith(OLD_PYTHON + b" 3.6.8 ")


def test_markers_do_not_stand_in_the_line() -> None:
    """A shell that echoes its commands (set -x) must not look like an answer."""
    line = bootstrap_line(("python3",)).encode()

    assert not any(marker.strip() in line for marker in (READY, GREETING, NO_PYTHON, OLD_PYTHON))
    assert b"\n" not in line


def test_payload_is_small() -> None:
    """It is sent to every host of every run."""
    assert len(agent_payload()) < 40_000


def test_payload_is_built_once_for_each_directory(tmp_path: Path) -> None:
    """A caller on an event loop asks first whether it is there, since building it blocks."""
    directory = str(tmp_path)
    assert ready_payload(directory) is None
    payload = agent_payload(directory)
    assert ready_payload(directory) == payload == agent_payload()


@pytest.mark.parametrize("mode", [0o666, 0o620])
def test_payload_that_others_could_have_written_is_not_sent(tmp_path: Path, mode: int) -> None:
    """It is run on all hosts."""
    payload = agent_payload(str(tmp_path))
    (kept,) = tmp_path.iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600
    kept.write_bytes(f"{3:0{LENGTH_DIGITS}x}bad".encode())
    kept.chmod(mode)

    # another name of the folder: what was asked for before is in memory
    assert agent_payload(f"{tmp_path}/../{tmp_path.name}") == payload
