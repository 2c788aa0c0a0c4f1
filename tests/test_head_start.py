"""The head start: a command that was given before connects while ansible-core is imported."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from herder.head_start import connected
from herder.model.route import CommandWay, Route
from herder.record.route_plan import PlanShelf, RoutePlan
from herder.settings import Settings
from tests.support.sessions import has_ended
from tests.support.ssh_server import SshServer, server_or_skip

ROOT = Path(__file__).parents[1]
PLAYBOOK = """\
- hosts: all
  gather_facts: false
  tasks:
    - command: echo moo
      changed_when: false
"""
EARLY = ["ssh", "ansible"]
LATE = ["ansible", "ssh"]

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def ssh_server() -> Iterator[SshServer]:
    """Give a running server of its own."""
    with server_or_skip() as server:
        yield server


@dataclass
class Site:
    """A folder with a playbook, a home of its own, and what runs of it did."""

    folder: Path
    server: SshServer
    words: list[str] = field(default_factory=lambda: ["-i", "hosts.ini", "site.yml"])

    def __post_init__(self) -> None:
        self.write("site.yml", PLAYBOOK)
        self.write("hosts.ini", f"one {self.variables}\n")
        self.lead_to(self.server.port)

    @property
    def variables(self) -> str:
        """What an inventory says of a host; where it is says only ssh's own configuration."""
        return (
            f"ansible_host=moo ansible_ssh_common_args='-F {self.folder}/ssh_config'"
            f" ansible_python_interpreter={sys.executable}"
        )

    def write(self, name: str, text: str) -> None:
        """Write one of the site's files."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        # a plan is made of what did not change a moment ago
        time.sleep(0.03)

    def lead_to(self, port: int) -> None:
        """Let ssh find the host at this port of loopback."""
        self.write(
            "ssh_config",
            f"Host moo*\nHostName 127.0.0.1\nPort {port}\nUser root\n"
            f"IdentityFile {self.server.key}\n"
            f"UserKnownHostsFile {self.server.folder}/known_hosts\n",
        )

    def start(self, **environment: str) -> subprocess.Popen[str]:
        """Start a run of the site's command."""
        words = ["-m", "tests.support.watched_run", str(self.folder / "order")]
        return subprocess.Popen(
            [sys.executable, *words, "playbook", "--output", "plain", *self.words],
            cwd=self.folder,
            env={
                **os.environ,
                "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}",
                "HOME": str(self.folder / "home"),
                "HERDER_STATE_DIRECTORY": str(self.folder / "state"),
                **environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def start_early(self) -> subprocess.Popen[str]:
        """Start a run that imports ansible-core until `importing` goes; ssh is started by now."""
        self.write("importing", "")
        self.write("order", "")
        process = self.start()
        while self.order != EARLY and process.poll() is None:
            time.sleep(0.01)
        return process

    def run(self, **environment: str) -> tuple[int, str, str]:
        """Run the site's command; exit code, standard output and standard error."""
        process = self.start(**environment)
        out, err = process.communicate()
        return process.returncode, out, err

    @property
    def order(self) -> list[str]:
        """What the last run started and imported, in its order."""
        return (self.folder / "order").read_text().split()

    @property
    def plans(self) -> list[RoutePlan]:
        """The plans that are kept."""
        folder = self.folder / "home/.cache/herder/plans"
        shelf = PlanShelf(folder)
        names = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
        return [plan for plan in map(shelf.get, names) if plan is not None]

    def ssh_processes(self) -> list[int]:
        """Give the ssh clients that were started for this site and still run."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_bytes().split(b"\0")
            except OSError:
                continue
            if words[0] == b"ssh" and f"{self.folder}/ssh_config".encode() in words:
                found.append(int(path.parent.name))
        return found


@pytest.fixture(scope="module")
def kept_start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give what Herder keeps of its starts: it has nothing to do with what is tested here."""
    return tmp_path_factory.mktemp("start")


@pytest.fixture
def site(tmp_path: Path, ssh_server: SshServer, kept_start: Path) -> Site:
    """Give a site whose command was not given yet."""
    cache = tmp_path / "home/.cache/herder"
    cache.mkdir(parents=True, mode=0o700)
    (cache / "start").symlink_to(kept_start)
    return Site(tmp_path, ssh_server)


def test_the_second_run_of_a_command_connects_before_ansible_core_is_imported(site: Site) -> None:
    """Both do the same and say the same; the second does two things at once."""
    first = site.run()
    first_order = site.order
    second = site.run()

    assert (first_order, site.order) == (LATE, EARLY)
    assert first[0] == 0, first
    assert second == first
    assert site.ssh_processes() == []


def test_a_file_more_than_last_time_makes_a_run_like_the_first(site: Site) -> None:
    """It could say where to connect."""
    site.run()
    site.write("group_vars/all.yml", "ansible_user: root\n")

    code, out, _ = site.run()

    assert code == 0, out
    assert site.order == LATE


def test_it_can_be_switched_off(site: Site) -> None:
    """Then nothing is kept either."""
    site.run(HERDER_CONNECT_EARLY="no")

    assert site.plans == []


def test_a_host_that_is_down_is_tried_once_and_told_as_ever(site: Site) -> None:
    """Whoever connects early must neither knock twice nor find other words."""
    site.run()
    site.lead_to(1)

    early = site.run()
    order = site.order
    late = site.run(HERDER_CONNECT_EARLY="no")

    assert (order, site.order) == (EARLY, LATE)
    assert early[0] == 4
    assert "Connection refused" in early[1]
    assert early == late


def test_a_host_that_nobody_asks_for_after_all_is_left_in_silence(site: Site) -> None:
    """No file tells what a lookup finds, so a connection can be in vain, but not be seen."""
    site.write("hosts.ini", f"one {site.variables}\ntwo {site.variables}\n")
    site.write("site.yml", PLAYBOOK.replace("all", "\"{{ lookup('pipe', 'cat which') }}\""))
    site.write("which", "one\n")
    site.run()
    site.write("which", "two\n")
    wanted = site.run(HERDER_CONNECT_EARLY="no")

    seen = site.run()

    assert site.order == [*EARLY, "ssh"]
    assert seen == wanted
    assert site.ssh_processes() == []


def test_content_that_does_not_parse_ends_as_ever(site: Site) -> None:
    """The early connection fits the content that was; nothing runs on it."""
    site.write("site.yml", PLAYBOOK + "- import_playbook: \"{{ lookup('pipe', 'cat which') }}\"\n")
    site.write("which", "more.yml")
    site.write("more.yml", PLAYBOOK)
    site.run()
    site.write("which", "nowhere.yml")
    wanted = site.run(HERDER_CONNECT_EARLY="no")

    process = site.start_early()
    (site.folder / "importing").unlink()
    out, err = process.communicate()

    assert site.order == EARLY
    assert (process.returncode, out, err) == wanted
    assert site.ssh_processes() == []


def test_ctrl_c_while_ansible_core_is_imported_leaves_no_process(site: Site) -> None:
    """Their owner is not there yet, so the head start itself ends them."""
    site.run()
    process = site.start_early()
    started = site.ssh_processes()

    process.send_signal(signal.SIGINT)
    _, words = process.communicate(timeout=60)

    assert process.returncode == 99, words
    assert len(started) == 1
    assert has_ended(started[0], 1.0)
    assert "Traceback" not in words


def test_where_an_inventory_script_says_the_next_run_asks_it_first(site: Site) -> None:
    """It may answer otherwise, and no file tells."""
    site.write(
        "group_vars/all.yml",
        f"ansible_ssh_common_args: -F {site.folder}/ssh_config\n"
        f"ansible_python_interpreter: {sys.executable}\n",
    )
    site.write("hosts.sh", '#!/bin/sh\necho \'{"all": {"hosts": ["moo"]}}\'\n')
    (site.folder / "hosts.sh").chmod(0o755)
    site.words[1] = "hosts.sh"

    code, out, err = site.run()

    assert code == 0, out + err
    assert site.plans == []


def test_where_an_inventory_plugin_says_the_next_run_asks_it_first(site: Site) -> None:
    """A cloud has other servers an hour later."""
    site.write("more.constructed.yml", "plugin: ansible.builtin.constructed\nstrict: false\n")
    site.words += ["-i", "more.constructed.yml"]

    code, out, err = site.run()

    assert code == 0, out + err
    assert site.plans == []


def test_of_a_run_with_a_question_nothing_is_foreseen(site: Site) -> None:
    """Who is asked may answer otherwise, or say no."""
    question = "  vars_prompt: [{name: moo, private: false, default: m}]\n"
    site.write("site.yml", PLAYBOOK.replace("  tasks", f"{question}  tasks"))

    code, out, err = site.run()

    assert code == 0, out + err
    assert site.plans == []


def test_of_a_run_that_asks_for_a_password_nothing_is_foreseen(site: Site) -> None:
    """Who has not said it yet may want to stop."""
    site.words.append("-K")

    code, out, err = site.run()

    assert code == 0, out + err
    assert site.plans == []


def test_where_ansible_core_puts_keys_into_an_agent_nothing_is_foreseen(site: Site) -> None:
    """The key is there for one run, under a name of that run."""
    socket = str(site.folder / "agent")
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL)
    try:
        while not Path(socket).exists():
            time.sleep(0.01)
        code, out, err = site.run(SSH_AUTH_SOCK=socket, ANSIBLE_SSH_AGENT=socket)
    finally:
        agent.terminate()
        agent.wait()

    assert code == 0, out + err
    assert site.plans == []


def test_nothing_is_foreseen_of_what_comes_after_a_task_with_an_effect(site: Site) -> None:
    """A play that makes a server, and one that works on it: the second waits for the first."""
    first = PLAYBOOK.replace("all", "localhost").replace("moo", "boo")
    site.write("site.yml", first.replace("  tasks", "  connection: local\n  tasks") + PLAYBOOK)

    code, out, err = site.run()

    assert code == 0, out + err
    assert site.plans == []


def test_a_plan_names_every_file_that_decided(site: Site) -> None:
    """One that is missing here could change and nobody would look."""
    site.write("inventory/hosts.yml", "all: {hosts: {one: {ansible_host: moo}}}\n")
    site.write("inventory/more.ini", "[every]\none\n")
    site.write(
        "inventory/group_vars/every/main.yml", f"ansible_python_interpreter: {sys.executable}\n"
    )
    site.write(
        "inventory/host_vars/one.yml", f"ansible_ssh_common_args: -F {site.folder}/ssh_config\n"
    )
    site.write("group_vars/all", "a: 1\n")
    site.write("roles/first/tasks/main.yml", "- debug:\n- include_tasks: more.yml\n")
    site.write("roles/first/tasks/more.yml", "- include_vars: named.yml\n")
    site.write("roles/first/vars/named.yml", "b: 1\n")
    site.write("roles/first/defaults/main.yml", "c: 1\n")
    site.write("extra.yml", "d: 1\n")
    site.write("some.yml", "e: 1\n")
    site.write("only", "one\n")
    site.write("password", "moo\n")
    site.write("ansible.cfg", "[defaults]\n")
    play = PLAYBOOK.replace("  tasks", "  vars_files: [some.yml]\n  roles: [first]\n  tasks")
    site.write("site.yml", "- import_playbook: real.yml\n")
    site.write("real.yml", play)
    site.words = ["-i", "inventory", "-e", "@extra.yml", "-l", "@only"]
    site.words += ["--vault-password-file", "password", "site.yml"]

    code, out, err = site.run()

    assert code == 0, out + err
    (plan,) = site.plans
    marks = {re.sub(f"^{site.folder}/", "", path): mark for path, mark in plan.marks.items()}
    there = {path for path, mark in marks.items() if mark not in ("absent", "directory")}
    assert there >= {
        "inventory/",
        "inventory/hosts.yml",
        "inventory/more.ini",
        "inventory/group_vars/",
        "inventory/group_vars/every/",
        "inventory/group_vars/every/main.yml",
        "inventory/host_vars/",
        "inventory/host_vars/one.yml",
        "group_vars/",
        "group_vars/all",
        "roles/first/tasks/main.yml",
        "roles/first/tasks/more.yml",
        "roles/first/vars/named.yml",
        "roles/first/defaults/main.yml",
        "extra.yml",
        "some.yml",
        "only",
        "password",
        "ansible.cfg",
        "site.yml",
        "real.yml",
    }
    assert marks["host_vars/"] == "absent"
    assert marks["home/.ansible.cfg"] == "absent"
    assert [route.host for route in plan.routes] == ["one"]


def test_end_of_a_run_waits_as_long_as_the_setting_says() -> None:
    """A host whose way does not end (a hung ssh) holds up the whole command."""
    stays = CommandWay(("/bin/sh", "-c", '/bin/sh -c "$1"; exec sleep 60', "way"))
    settings = replace(Settings(), close_timeout_seconds=0.3)

    with connected(settings) as (loop, sessions):
        loop.call(sessions.get(Route("one", stays, (sys.executable,))))
        began = time.monotonic()
    seconds = time.monotonic() - began

    # a run's own is left to the end of its process
    loop._loop.close()
    assert seconds < 3
