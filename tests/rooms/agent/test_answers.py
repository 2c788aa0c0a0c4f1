"""agent/answers.py: what is said without a child is what the module says, to the byte."""

from __future__ import annotations

import asyncio
import functools
import json
import os
import socket
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from herder.agent import system_log
from herder.agent.answers import Answers
from herder.agent.children import Outcome
from herder.model.ports import CommandCall, ModuleBundle
from herder.wire.messages import RunModule
from tests.support.bundles import bundle_of, call_of, core_bundle, wrapper_program
from tests.support.sessions import open_session

CALL = RunModule("file", "ansible.modules.file", "digest", is_core=True)
INTERNALS: dict[str, Any] = {
    "_ansible_no_log": True,
    "_ansible_module_name": "ansible.legacy.file",
    "_ansible_syslog_facility": "LOG_USER",
    "_ansible_target_log_info": None,
    "_ansible_debug": False,
}
AS_COPY_ASKS = {"mode": "0644", "_original_basename": "x.j2", "recurse": False, "state": "file"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with what the questions are about; the module is imported, as in an agent."""
    __import__("ansible.module_utils.basic")
    folder = tmp_path_factory.mktemp("answers")
    for name in ("one", "two", "three"):
        (folder / name).write_text(f"of {name}\n")
        (folder / name).chmod(0o644)
        (folder / f"{name}.d").mkdir(mode=0o755)
    (folder / "link").symlink_to("one")
    (folder / "hard").write_text("")
    os.link(folder / "hard", folder / "hard2")
    os.mkfifo(folder / "pipe")
    return folder


def module_says(arguments: dict[str, Any]) -> bytes:
    """Run the module as ansible-core does."""
    return _module_says(json.dumps(arguments))


@functools.cache
def _module_says(arguments: str) -> bytes:
    program = wrapper_program("file", json.loads(arguments))
    return subprocess.run(["python3", "-"], input=program, stdout=-1, check=False).stdout


def params(arguments: dict[str, Any]) -> bytes:
    return json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode()


def taught(*examples: dict[str, Any]) -> Answers:
    """Give answers that have seen the module answer these."""
    answers = Answers()
    for each in examples:
        answers.learn(CALL, params(each), Outcome(0, module_says(each), b""))
    return answers


@pytest.mark.parametrize(
    "wish",
    [
        {"path": "file", "state": "file"},
        {"name": "folder", "state": "directory", "mode": "0755"},
        {"path": "file", "state": "file", "mode": 0o644, "_ansible_diff": True},
        {"path": "file", "state": "file", "_ansible_check_mode": True, "follow": False},
        {"path": "folder", "state": "directory", "owner": "OWNER", "group": "GROUP"},
        {"dest": "file", **AS_COPY_ASKS},
    ],
    ids=["bare", "directory", "diff", "check mode", "owned", "as copy asks"],
)
def test_second_file_is_answered_in_the_modules_own_words(
    place: Path, wish: dict[str, Any]
) -> None:
    """What a playbook can see of it (-v, register, diff) must not tell who answered."""
    names: dict[Any, str] = {
        "OWNER": place.owner(),
        "GROUP": place.group(),
        "file": "PLACE",
        "folder": "PLACE.d",
    }
    wish = {
        word: names.get(value, value) if word != "state" else value for word, value in wish.items()
    }
    first, second = (
        json.loads(json.dumps({**wish, **INTERNALS}).replace("PLACE", f"{place}/{name}"))
        for name in ("one", "two")
    )

    answers = taught(first)

    assert Answers().give(CALL, params(second)) is None
    assert answers.give(CALL, params(second)) == module_says(second)


@pytest.mark.parametrize(
    "wish",
    [
        {"mode": "0600"},
        {"mode": "u=rw"},
        {"mode": "0o644"},
        {"mode": True},
        {"path": "link"},
        {"path": "hard"},
        {"path": "pipe"},
        {"path": "one.d"},
        {"path": "nowhere"},
        {"path": "one/"},
        {"path": "$HOME"},
        {"owner": "nobody-of-this-name"},
        {"state": "absent"},
        {"state": "touch"},
        {"attributes": "+i"},
        {"seuser": "_default"},
        {"src": "/etc/passwd"},
        {"modification_time": "preserve"},
        {"follow": True},
        {"_ansible_diff": True},
        {"_ansible_debug": True},
        {"_ansible_target_log_info": "who"},
        {"unknown": "word"},
    ],
    ids=str,
)
def test_whatever_may_need_work_goes_to_the_module(place: Path, wish: dict[str, Any]) -> None:
    """A link, a mode in words, a word that only the module understands, another shape."""
    right = {"path": str(place / "one"), "state": "file", "mode": "0644", **INTERNALS}
    other = {**right, **wish}
    if "path" in wish:
        other["path"] = f"{place}/{wish['path']}"

    answers = taught(right)

    assert answers.give(CALL, params(right)) is not None
    assert answers.give(CALL, params(other)) is None


def test_owner_and_group_that_differ_go_to_the_module(place: Path) -> None:
    """They would be changed."""
    known = {"state": "file", "owner": place.owner(), "group": place.group(), **INTERNALS}
    answers = taught({"path": str(place / "one"), **known})

    os.chown(place / "three", 65534, -1)

    assert answers.give(CALL, params({"path": str(place / "two"), **known})) is not None
    assert answers.give(CALL, params({"path": str(place / "three"), **known})) is None


def test_module_that_says_more_is_never_answered_for(place: Path) -> None:
    """As with SELinux, or in a release of ansible-core that nobody knows yet."""
    wish = {"path": str(place / "one"), "state": "file", **INTERNALS}
    said = json.loads(module_says(wish))
    answers = Answers()

    for other in ({**said, "secontext": "x"}, {**said, "size": 0}, {**said, "changed": True}):
        answers.learn(CALL, params(wish), Outcome(0, f"\n{json.dumps(other)}\n".encode(), b""))

    assert answers.give(CALL, params(wish)) is None


@pytest.mark.parametrize(
    "call",
    [
        CALL._replace(is_core=False),
        CALL._replace(fqn="ansible.modules.copy"),
        CALL._replace(environment={"A": "1"}),
        CALL._replace(bundle="other"),
        CALL._replace(async_seconds=5),
    ],
    ids=["a module of the user's", "another module", "environment", "another release", "async"],
)
def test_call_of_another_kind_goes_to_the_module(place: Path, call: RunModule) -> None:
    """Only the very module that vouched is answered for."""
    wish = {"path": str(place / "one"), "state": "file", **INTERNALS}

    assert taught(wish).give(call, params(wish)) is None


def test_systems_log_is_told_as_by_the_module(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """People who audit their servers read there what was done."""
    wish = {"path": str(place / "one"), "mode": "0644", "state": "file", **INTERNALS}
    wish["_ansible_no_log"] = False
    answers = taught(wish)
    monkeypatch.setattr(system_log, "_SOCKET", str(place / "log"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(str(place / "log"))
        log.settimeout(5)

        answered = answers.give(CALL, params(wish))
        line = log.recv(4096).decode()
        while answers.give(CALL, params(wish)) is not None:
            pass  # until the log is full: the module may wait for it

    assert answered is not None
    told = json.loads(answered)["invocation"]["module_args"]
    words = " ".join(f"{name}={value}" for name, value in told.items())
    assert line.startswith("<14>")
    assert line.endswith(f" ansible-ansible.legacy.file: Invoked with {words}")


async def test_agent_runs_the_users_own_module_every_time(place: Path) -> None:
    """A `library/file.py` beside the playbook may do anything."""
    source = (
        "import json\nfrom ansible.module_utils.basic import AnsibleModule\n"
        f"open('{place}/runs', 'a').write('x')\n"
        "AnsibleModule({'path': {}, 'state': {}}).exit_json(changed=False)\n"
    )
    own = bundle_of(source, name="file", folder=place)

    async with open_session() as session:
        for _ in range(3):
            await session.run_module(call_of(own, path=str(place / "one"), state="file"))

    assert (place / "runs").read_text() == "xxx"


async def test_agent_forks_no_child_for_what_is_as_it_should_be(place: Path) -> None:
    """The point of it, from end to end."""
    bundle: ModuleBundle = replace(core_bundle("file"), is_core=True)
    wishes = [{"path": str(place / name), "state": "file", **INTERNALS} for name in ("one", "two")]

    async with open_session() as session:
        said = [await session.run_module(call_of(bundle, **wish)) for wish in wishes]
        agent = (await session.run_command(CommandCall("echo $PPID"))).stdout.decode().strip()
        before = _faults_of_children(agent)
        again = await session.run_module(call_of(bundle, **wishes[0]))
        after = _faults_of_children(agent)
    theirs = [await asyncio.to_thread(module_says, wish) for wish in wishes]

    assert [each.stdout for each in said] == theirs
    assert again.stdout == theirs[0]
    assert before == after


def _faults_of_children(process: str) -> int:
    """Give what grows with every child that a process has had. *Source*: proc(5), cminflt."""
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[8])
