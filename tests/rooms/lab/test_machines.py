"""A lab of machines: real servers that come up quickly and go without a trace."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from herder.errors import LabError
from herder.lab import faults, lab
from herder.lab.answers import is_answering
from herder.lab.inventory import ssh_words
from herder.lab.leftovers import leftovers
from herder.lab.machines import Machines
from herder.lab.place import LabPlace, lab_place
from herder.lab.servers import ServerWish
from herder.lab.state import Kind, Server, Stage
from tests.support.lab_traces import traces

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    """Give a lab of two machines for all tests that leave them as they were."""
    place = lab_place("lab", tmp_path_factory.mktemp("labs"))
    lab.up(place, 2, kind=Kind.MACHINES)
    yield Machines(place)
    lab.down(place)


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Machines]:
    """Give a lab without machines, for tests that make and break their own."""
    machines = Machines(lab_place("try", tmp_path / "labs"))
    machines.up([])
    yield machines
    lab.down(machines.place)


def test_machine_is_a_host_of_its_own(machines: Machines) -> None:
    """What reads the host's name, its first process or its address must find the machine's."""
    server = machines.state().server("web2")

    output = _ssh(machines, "web2", "hostname; cat /proc/1/comm; ip -o -4 address show eth0; id -u")

    assert output.startswith("web2\nsystemd\n")
    assert f" {server.address}/24 " in output
    assert output.endswith("\n0\n")


def test_machine_has_booted_without_failures(machines: Machines) -> None:
    """A unit that failed would be taken for the work of a playbook."""
    assert _ssh(machines, "web1", "systemctl is-system-running --wait") == "running\n"


def test_machine_that_reboots_comes_back(machines: Machines) -> None:
    """A play may reboot its hosts, and a person may type it."""
    line = "cat /proc/sys/kernel/random/boot_id; ps -o comm= -p 1"
    before = _ssh(machines, "web1", f"{line}; nohup systemctl reboot >/dev/null 2>&1 &")
    server = machines.state().server("web1")

    while is_answering(server):
        time.sleep(0.05)
    machines.wait("web1")

    after = _ssh(machines, "web1", line)
    assert after.splitlines()[1:] == ["systemd"]
    assert after != before


def test_machine_shows_its_own_network_only(machines: Machines) -> None:
    """gather_facts asks three programs about each interface that /sys shows."""
    assert _ssh(machines, "web1", "ls /sys/class/net") == "eth0\nlo\n"


def test_machines_find_each_other_by_name(machines: Machines) -> None:
    """A balancer's configuration names its servers."""
    address = machines.state().server("web2").address

    assert _ssh(machines, "web1", "getent hosts web2").split() == [address, "web2"]
    assert _ssh(machines, "web1", "exec 3<>/dev/tcp/web2/22; head -c 4 <&3") == "SSH-"


def test_hosts_services_are_there_but_not_started(machines: Machines) -> None:
    """A playbook enables and starts what it wants; two databases per machine help nobody."""
    line = "systemctl is-enabled nginx; systemctl is-active nginx; systemctl enable --now nginx"
    output = _ssh(machines, "web1", f"{line} 2>&1; systemctl is-active nginx")

    assert output.startswith("disabled\ninactive\n")
    assert output.endswith("\nactive\n")


def test_stopping_a_service_leaves_the_other_machine_alone(machines: Machines) -> None:
    """Machines that shared their control groups would stop each other's services."""
    for name in ("web1", "web2"):
        _ssh(machines, name, "systemctl start haproxy")

    _ssh(machines, "web1", "systemctl stop haproxy")

    assert _ssh(machines, "web2", "systemctl is-active haproxy") == "active\n"


def test_hosts_homes_and_labs_are_not_to_be_seen(machines: Machines) -> None:
    """A playbook under trial has no business with the keys of who tries it."""
    parent = machines.place.directory.parent
    output = _ssh(machines, "web1", f"ls -A /root /home {parent} /var/lib/herder 2>&1; true")

    assert "id_ed25519" not in output
    assert ".config" not in output
    assert machines.place.name not in output.split()


def test_sudo_user_becomes_root_with_the_password_only(machines: Machines) -> None:
    """It is there to try `become` with a right and a wrong password."""
    state = machines.state()
    line = f"su {state.sudo_user} -c 'sudo -k; sudo -S id -u'"

    right = _ssh(machines, "web1", f"echo {state.sudo_password} | {line} 2>/dev/null")
    wrong = _ssh(machines, "web1", f"echo no | {line} 2>&1 || true")

    assert right == "0\n"
    assert "incorrect password" in wrong


def test_sudo_user_logs_in_with_the_labs_key(machines: Machines) -> None:
    """Most playbooks connect as such a user, not as root."""
    words = _words(machines, "web1", "id -un")
    login = [word.replace("root@", "deploy@") for word in words]

    assert subprocess.run(login, capture_output=True, text=True).stdout == "deploy\n"


def test_unknown_name_is_not_found_at_once(machines: Machines) -> None:
    """A resolver that does not answer makes every mistyped host name cost ten seconds."""
    started = time.monotonic()

    _ssh(machines, "web1", "getent hosts nowhere.invalid || true")

    assert time.monotonic() - started < 3


def test_stock_ansible_reaches_every_machine(machines: Machines) -> None:
    """The inventory is for any tool that reads one."""
    ansible = Path(sys.executable).parent / "ansible"
    words = [str(ansible), "-i", str(machines.place.inventory_file), "all", "-m", "ping"]

    done = subprocess.run(words, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout
    assert done.stdout.count("SUCCESS") == 2


def test_wrong_host_key_is_refused(machines: Machines) -> None:
    """Strict checking is on, so that it is exercised."""
    words = _words(machines, "web1", "true")
    address = machines.state().server("web2").address
    elsewhere = [*words[:-2], "-o", "HostKeyAlias=" + address, *words[-2:]]

    assert subprocess.run(elsewhere, capture_output=True).returncode == 255


def test_down_leaves_nothing_and_says_when_there_was_nothing(tmp_path: Path) -> None:
    """No process, mount, interface, address, route, namespace, group or file may stay."""
    place = lab_place("gone", tmp_path / "labs")
    lab.up(place, 2, kind=Kind.MACHINES)
    assert len(traces(place)) > 10

    assert lab.down(place)

    assert traces(place) == []
    assert not lab.down(place)


@pytest.mark.parametrize("thing", ["state file", "bridge", "namespace", "group", "second group"])
@pytest.mark.parametrize("then", ["down", "up"])
def test_lab_killed_half_way_is_cleaned(tmp_path: Path, thing: str, then: str) -> None:
    """A closed laptop must not cost an afternoon of `ip link delete`."""
    place = lab_place("half", tmp_path / "labs")
    _kill_up_when(place, _conditions(place)[thing])
    assert traces(place)

    if then == "up":
        lab.up(place, 1, kind=Kind.MACHINES)
        assert [server.name for server in lab.require_state(place).servers] == ["web1"]
    lab.down(place)

    assert traces(place) == []


def test_lab_is_cleaned_though_its_directory_was_removed(tmp_path: Path) -> None:
    """Everything's name is computed from the lab's, so a lost state is no loss."""
    place = lab_place("lost", tmp_path / "labs")
    lab.up(place, 1, kind=Kind.MACHINES)
    place.state_file.unlink()

    lab.down(place)

    assert traces(place) == []


def test_two_labs_stand_side_by_side(machines: Machines, empty: Machines) -> None:
    """A demo must not need the lab that somebody works with to go down."""
    _make(empty, ServerWish("web1"))

    assert empty.state().network != machines.state().network
    assert _ssh(empty, "web1", "hostname") == "web1\n"
    assert _ssh(machines, "web1", "hostname") == "web1\n"


def test_stopped_machine_keeps_files_and_address(empty: Machines) -> None:
    """A server that is stopped and started is the same server."""
    before = _make(empty, ServerWish("one"))
    _ssh(empty, "one", "echo kept > /etc/kept")

    empty.stop("one")
    stopped = is_answering(before)
    empty.boot("one")
    after = empty.wait("one")

    assert not stopped
    assert after.address == before.address
    assert _ssh(empty, "one", "cat /etc/kept") == "kept\n"


def test_kept_machine_is_the_start_of_others(empty: Machines, tmp_path: Path) -> None:
    """An image spares provisioning; what makes a machine itself must not be copied."""
    _make(empty, ServerWish("one"))
    _ssh(empty, "one", "echo baked > /root/baked; rm /etc/motd; systemctl enable nginx 2>&1")
    identity = _ssh(empty, "one", "cat /etc/machine-id")

    empty.stop("one")
    image = empty.keep_layer("one", tmp_path / "image")
    empty.destroy("one")
    _make(empty, ServerWish("two", layers=(image,)))

    output = _ssh(
        empty,
        "two",
        "hostname; cat /root/baked; systemctl is-active nginx; ls /etc/motd 2>&1 || true",
    )
    assert output.splitlines()[:3] == ["two", "baked", "active"]
    assert "No such file" in output
    assert _ssh(empty, "two", "cat /etc/machine-id") != identity


def test_destroyed_machine_leaves_nothing_in_a_lab_that_stays(empty: Machines) -> None:
    """A lab in which machines come and go for days must not fill the host."""
    place = empty.place
    _make(empty, ServerWish("one", disk_megabytes=64))

    empty.destroy("one")
    empty.destroy("one")

    marks = (f"hl{place.mark}v", f"{place.prefix}one", str(place.server_directory("one")))
    assert not [line for line in traces(place) if any(mark in line for mark in marks)]
    assert not place.server_directory("one").exists()
    assert empty.state().servers == ()


def test_further_key_may_log_in(empty: Machines, tmp_path: Path) -> None:
    """The cloud's key pairs are their owners', not the lab's."""
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    public = key.with_suffix(".pub").read_text("utf-8").strip()
    _make(empty, ServerWish("one", authorized_keys=(public,)))

    words = [
        str(key) if word == str(empty.place.key_file) else word
        for word in _words(empty, "one", "true")
    ]

    assert subprocess.run(words, capture_output=True).returncode == 0


def test_full_disk_is_full_and_free_again(empty: Machines) -> None:
    """The promise never to leave half a file can be tried on a disk that is full."""
    _make(empty, ServerWish("one", disk_megabytes=64))

    faults.fill_disk(empty, "one")
    full = _ssh(empty, "one", "head -c 100000 /dev/zero 2>&1 > /root/file; true")
    faults.free_disk(empty, "one")

    assert "No space left on device" in full
    assert (
        _ssh(empty, "one", "head -c 100000 /dev/zero > /root/file; wc -c < /root/file")
        == "100000\n"
    )


def test_disk_of_the_host_is_not_filled(machines: Machines) -> None:
    """It is everybody's."""
    with pytest.raises(LabError, match="no disk of its own"):
        faults.fill_disk(machines, "web1")


def test_cut_machine_is_reached_again_when_restored(empty: Machines) -> None:
    """A connection that lives through a short cut goes on."""
    server = _make(empty, ServerWish("one"))

    faults.cut_network(empty, "one")
    cut = is_answering(server)
    faults.restore_network(empty, "one")

    assert not cut
    assert empty.wait("one").stage is Stage.UP


def test_frozen_machine_takes_connections_and_does_not_answer(empty: Machines) -> None:
    """The worst kind of dead: only a deadline notices."""
    server = _make(empty, ServerWish("one"))

    faults.freeze_machine(empty, "one")
    frozen = is_answering(server)
    faults.thaw_machine(empty, "one")

    assert not frozen
    assert _ssh(empty, "one", "hostname") == "one\n"


def test_killed_machine_boots_again(empty: Machines) -> None:
    """Power comes back; the files are as they were."""
    server = _make(empty, ServerWish("one"))
    _ssh(empty, "one", "echo kept > /root/kept")

    faults.kill_machine(empty, "one")
    dead = is_answering(server)
    empty.boot("one")
    empty.wait("one")

    assert not dead
    assert _ssh(empty, "one", "cat /root/kept") == "kept\n"


def test_machine_that_cannot_boot_shows_its_console(empty: Machines, tmp_path: Path) -> None:
    """Without the console's words nobody could tell why."""
    broken = tmp_path / "broken"
    for folder in ("lib", "usr/lib"):
        (broken / folder).mkdir(parents=True)
    (broken / "usr/sbin").mkdir()
    (broken / "usr/sbin/init").symlink_to("/nowhere")
    (broken / "usr/lib/systemd").write_text("", encoding="utf-8")
    (broken / "lib").rmdir()
    empty.create(ServerWish("one", layers=(broken,)))
    empty.boot("one")

    with pytest.raises(LabError, match="ended while it booted") as caught:
        empty.wait("one")

    assert caught.value.context


def test_lab_that_does_not_come_up_leaves_nothing(tmp_path: Path) -> None:
    """Whoever reads the error should not also have to clean up."""
    place = lab_place("never", tmp_path / "labs")
    wishes = [ServerWish("one"), ServerWish("two", layers=(tmp_path / "none",))]

    with pytest.raises(LabError):
        Machines(place).up(wishes)

    assert traces(place) == []


def test_leftovers_are_named(machines: Machines) -> None:
    """`down` decides by them whether there is anything to do."""
    kinds = {line.rpartition(" ")[0] for line in leftovers(machines.place)}

    assert kinds >= {"process", "process group", "interface", "network namespace"}


def _make(machines: Machines, wish: ServerWish) -> Server:
    machines.create(wish)
    machines.boot(wish.name)
    return machines.wait(wish.name)


def _words(machines: Machines, name: str, command: str) -> list[str]:
    server = machines.state().server(name)
    return [*ssh_words(machines.place, server), command]


def _ssh(machines: Machines, name: str, command: str) -> str:
    words = _words(machines, name, command)
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _conditions(place: LabPlace) -> dict[str, Callable[[], bool]]:
    def has_group(name: str) -> bool:
        # other labs' groups come and go meanwhile, which os.walk does not mind
        return any(name in folders for _, folders, _ in os.walk("/sys/fs/cgroup"))

    return {
        "state file": place.state_file.exists,
        "bridge": Path(f"/sys/class/net/hl{place.mark}").exists,
        "namespace": Path(f"/run/netns/{place.prefix}web1").exists,
        "group": lambda: has_group(f"{place.prefix}web1"),
        "second group": lambda: has_group(f"{place.prefix}web2"),
    }


def _kill_up_when(place: LabPlace, condition: Callable[[], bool]) -> None:
    """Start `herder lab up` and kill it as soon as the condition holds."""
    options = ["--kind", "machines", "--name", place.name]
    words = [*options, "--directory", str(place.directory.parent)]
    command = subprocess.Popen(
        [sys.executable, "-m", "herder", "lab", "up", "3", *words],
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(Path(lab.__file__).parents[2])},
    )
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)
    command.send_signal(signal.SIGKILL)
    command.wait()
