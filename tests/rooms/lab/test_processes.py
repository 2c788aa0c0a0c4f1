"""A lab of processes, asked by a real ssh client: it must be as good a host as sshd."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from herder.errors import LabError
from herder.lab import lab
from herder.lab.daemon import daemons
from herder.lab.inventory import ssh_words
from herder.lab.leftovers import leftovers
from herder.lab.place import lab_place
from herder.lab.processes import Processes
from herder.lab.servers import ServerWish
from herder.lab.state import Kind, Stage
from tests.support.sessions import has_ended

pytestmark = pytest.mark.skipif(shutil.which("ssh") is None, reason="no ssh client here")


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """Give a lab of two processes for all tests of this file."""
    place = lab_place("lab", tmp_path_factory.mktemp("labs"))
    lab.up(place, 2, kind=Kind.PROCESSES)
    yield Processes(place)
    lab.down(place)


def test_command_starts_in_the_servers_own_home(processes: Processes) -> None:
    """Two servers on one host are two hosts only when their homes are apart."""
    home = processes.place.server_directory("web2") / "home"

    assert _ssh(processes, "web2", "pwd; echo $HOME") == f"{home}\n{home}\n".encode()


def test_bytes_go_through_as_they_are(processes: Processes) -> None:
    """Modules and frames are binary; a terminal or an encoding between would break them."""
    content = os.urandom(3_000_000) + bytes(range(256))

    assert _ssh(processes, "web1", "cat", content) == content


def test_output_error_and_status_are_told_apart(processes: Processes) -> None:
    """Ansible reads each of the three."""
    done = _run_ssh(processes, "web1", "echo out; echo err >&2; exit 7")

    assert (done.stdout, done.stderr, done.returncode) == (b"out\n", b"err\n", 7)


def test_all_output_has_come_when_the_status_comes(processes: Processes) -> None:
    """A client stops reading at the exit status."""
    assert len(_ssh(processes, "web1", "head -c 5000000 /dev/zero")) == 5_000_000


def test_command_reads_the_end_of_its_input(processes: Processes) -> None:
    """A program that waits for the end of its input would wait for ever."""
    assert _ssh(processes, "web1", "wc -c", b"12345").strip() == b"5"


def test_terminal_is_one_when_asked_for(processes: Processes) -> None:
    """sudo and su ask for passwords on a terminal only."""
    output = _ssh(processes, "web1", "test -t 0 && test -t 1 && tty", options=("-tt",))

    assert output.startswith(b"/dev/")


def test_command_is_told_when_its_client_has_gone(processes: Processes, tmp_path: Path) -> None:
    """An agent ends when its pipes do; a host that keeps them open would gather agents."""
    marker = tmp_path / "ended"
    words = _words(processes, "web1", f"cat >/dev/null; touch {marker}")
    client = subprocess.Popen(words, stdin=subprocess.PIPE)
    time.sleep(0.5)

    client.kill()
    client.communicate()

    _wait_for(marker.exists)


def test_key_of_somebody_else_is_refused(processes: Processes, tmp_path: Path) -> None:
    """The server runs as its user: whoever gets in is that user."""
    key = tmp_path / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    words = [
        str(key) if word == str(processes.place.key_file) else word
        for word in _words(processes, "web1", "true")
    ]

    done = subprocess.run([*words[:1], "-o", "BatchMode=yes", *words[1:]], capture_output=True)

    assert done.returncode == 255
    assert b"Permission denied" in done.stderr


@pytest.mark.parametrize("protocol", ["-O", "-s"])
def test_files_are_copied_both_ways(processes: Processes, tmp_path: Path, protocol: str) -> None:
    """scp speaks its own protocol or SFTP; Ansible uses either."""
    (tmp_path / "there").write_bytes(b"\x00content\xff")
    server = processes.state().server("web1")
    options = [*ssh_words(processes.place, server)[1:-3], "-P", str(server.port), "-q", protocol]
    remote = f"{server.user}@{server.address}:copied"

    subprocess.run(["scp", *options, str(tmp_path / "there"), remote], check=True)
    subprocess.run(["scp", *options, remote, str(tmp_path / "back")], check=True)

    assert (tmp_path / "back").read_bytes() == b"\x00content\xff"
    assert (processes.place.server_directory("web1") / "home/copied").exists()


def test_second_up_says_that_the_lab_is_there(processes: Processes) -> None:
    """It must neither break the first nor start another."""
    with pytest.raises(LabError, match="is up already, with 2 servers"):
        lab.up(processes.place, 1, kind=Kind.PROCESSES)


def test_down_leaves_nothing(tmp_path: Path) -> None:
    """A lab is for trying; whoever tried must not have to clean up."""
    place = lab_place("lab", tmp_path)
    lab.up(place, 1, kind=Kind.PROCESSES)
    numbers = daemons(place)

    assert lab.down(place)

    assert numbers
    assert not leftovers(place)
    assert list(tmp_path.iterdir()) == []
    assert not lab.down(place)


def test_no_connection_stands_when_its_lab_is_down(tmp_path: Path) -> None:
    """ssh would keep it for a minute after a run."""
    place = lab_place("lab", tmp_path)
    state = lab.up(place, 1, kind=Kind.PROCESSES)
    place.connections_directory.mkdir()
    socket = place.connections_directory / "c"
    keeping = ["-M", "-S", str(socket), "-o", "ControlPersist=60"]
    subprocess.run([*ssh_words(place, state.servers[0]), *keeping, "true"], check=True)
    shown = subprocess.run(
        ["ssh", "-S", socket, "-O", "check", "x"], capture_output=True, text=True
    )
    master = re.search(r"pid=(\d+)", shown.stdout + shown.stderr)

    assert lab.down(place)

    assert master is not None
    assert has_ended(int(master[1]), 5)


def test_killed_daemon_is_started_by_the_next_boot(tmp_path: Path) -> None:
    """A server that is dead must come back with its home as it was."""
    place = lab_place("lab", tmp_path)
    processes = Processes(place)
    lab.up(place, 1, kind=Kind.PROCESSES)
    _ssh(processes, "web1", "echo kept > file")
    os.kill(daemons(place)[0], signal.SIGKILL)

    processes.boot("web1")
    processes.wait("web1")

    assert _ssh(processes, "web1", "cat file") == b"kept\n"
    lab.down(place)


def test_servers_come_and_go_in_a_lab_that_is_up(tmp_path: Path) -> None:
    """The cloud endpoint makes, stops, copies and removes single servers."""
    place = lab_place("lab", tmp_path / "labs")
    processes = Processes(place)
    processes.up([])
    processes.create(ServerWish("one"))
    processes.boot("one")
    assert processes.wait("one").stage is Stage.UP
    _ssh(processes, "one", "echo kept > file")

    processes.stop("one")
    image = processes.keep_layer("one", tmp_path / "image")
    processes.create(ServerWish("two", layers=(image,)))
    processes.boot("two")
    processes.wait("two")
    processes.destroy("one")

    assert _ssh(processes, "two", "cat file") == b"kept\n"
    assert [server.name for server in processes.state().servers] == ["two"]
    lab.down(place)


def test_daemon_ends_when_its_directory_is_gone(tmp_path: Path) -> None:
    """Somebody may remove a lab with `rm -r`."""
    place = lab_place("lab", tmp_path)
    lab.up(place, 1, kind=Kind.PROCESSES)

    shutil.rmtree(place.directory)

    _wait_for(lambda: not daemons(place))


def test_machines_are_refused_with_the_reason_where_they_cannot_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asks for machines by name must not get processes unasked."""
    monkeypatch.setattr("herder.lab.lab.what_machines_lack", lambda: ("machines need root", "sudo"))

    with pytest.raises(LabError, match=re.escape("machines need root")) as caught:
        lab.up(lab_place("lab", tmp_path), 1, kind=Kind.MACHINES)

    assert caught.value.hint == "sudo"


def _words(processes: Processes, name: str, command: str, options: Sequence[str] = ()) -> list[str]:
    program, *rest = ssh_words(processes.place, processes.state().server(name))
    return [program, *options, *rest, command]


def _run_ssh(
    processes: Processes,
    name: str,
    command: str,
    stdin: bytes = b"",
    options: Sequence[str] = (),
) -> subprocess.CompletedProcess[bytes]:
    words = _words(processes, name, command, options)
    return subprocess.run(words, input=stdin, capture_output=True, timeout=15)


def _ssh(
    processes: Processes,
    name: str,
    command: str,
    stdin: bytes = b"",
    options: Sequence[str] = (),
) -> bytes:
    done = _run_ssh(processes, name, command, stdin, options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
