"""agent/answers.py: what is said without a child is what the module says, to the byte."""

from __future__ import annotations

import asyncio
import functools
import json
import os
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.parameters import PASS_VARS

from herder.agent import system_log
from herder.agent.answers import Answers
from herder.agent.children import Outcome
from herder.agent.vouched import Vouched
from herder.model.ports import CommandCall, ModuleBundle
from herder.wire.messages import RunModule
from tests.support.bundles import bundle_of, call_of, core_bundle
from tests.support.core_modules import core_module_says
from tests.support.sessions import open_session

CALL = RunModule("file", "ansible.modules.file", "digest", is_core=True)
LINE_CALL = CALL._replace(name="lineinfile", fqn="ansible.modules.lineinfile")
INTERNALS: dict[str, Any] = {
    "_ansible_no_log": True,
    "_ansible_module_name": "ansible.legacy.file",
    "_ansible_syslog_facility": "LOG_USER",
    "_ansible_target_log_info": None,
    "_ansible_debug": False,
}
# what is always said before ansible-core 2.21
WITH_INVOCATION = {"_ansible_inject_invocation": True} if "inject_invocation" in PASS_VARS else {}
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
    (folder / "lines").write_text("# a comment\na=1\n  b = 2\nb=3\na=1\n")
    (folder / "odd").write_text("a=1\r\nb=3")
    return folder


def module_says(arguments: dict[str, Any], name: str = "file") -> bytes:
    """Run the module as ansible-core does."""
    return _module_says(name, json.dumps(arguments))


@functools.cache
def _module_says(name: str, arguments: str) -> bytes:
    return core_module_says(name, json.loads(arguments))


def params(arguments: dict[str, Any]) -> bytes:
    return json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode()


def taught(*examples: dict[str, Any], call: RunModule = CALL) -> Answers:
    """Give answers that have seen the module answer these."""
    answers = Answers(Vouched(None, ""))
    for each in examples:
        answers.learn(call, params(each), Outcome(0, module_says(each, call.name), b""))
    return answers


@pytest.mark.parametrize(
    "wish",
    [
        {"path": "PLACE", "state": "file"},
        {"name": "PLACE.d", "state": "directory", "mode": "0755"},
        {"path": "PLACE", "state": "file", "mode": 0o644, "_ansible_diff": True},
        {"path": "PLACE", "state": "file", "_ansible_check_mode": True, "follow": False},
        {"path": "PLACE.d", "state": "directory", "owner": "OWNER", "group": "GROUP"},
        {"dest": "PLACE", **AS_COPY_ASKS},
    ],
    ids=["bare", "directory", "diff", "check mode", "owned", "as copy asks"],
)
def test_second_file_is_answered_in_the_modules_own_words(
    place: Path, wish: dict[str, Any]
) -> None:
    """What a playbook can see of it (-v, register, diff) must not tell who answered."""
    text = json.dumps({**wish, **INTERNALS})
    text = text.replace("OWNER", place.owner()).replace("GROUP", place.group())
    first, second = (
        json.loads(text.replace("PLACE", str(place / name))) for name in ("one", "two")
    )

    answers = taught(first)

    assert Answers(Vouched(None, "")).give(CALL, params(second)) is None
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


@pytest.mark.parametrize(
    ("wish", "next_one"),
    [
        ({"line": "a=1"}, {"line": "b=3"}),
        ({"line": "a=1", "regexp": "^a="}, {"line": "b=3", "regexp": r"^\s*b\s*="}),
        ({"line": "a=1", "create": True, "mode": "0644"}, {"line": "  b = 2"}),
        ({"line": "a=1", "insertafter": "^#"}, {"line": "b=3"}),
    ],
    ids=["bare", "search", "created", "placed"],
)
def test_second_line_is_answered_in_the_modules_own_words(
    place: Path, wish: dict[str, Any], next_one: dict[str, Any]
) -> None:
    """A playbook has a line for each setting; nearly always all of them are there."""
    first = {"path": str(place / "lines"), **wish, **INTERNALS}
    second = {**first, **next_one}

    answers = taught(first, call=LINE_CALL)

    assert answers.give(LINE_CALL, params(second)) == module_says(second, "lineinfile")


@pytest.mark.parametrize(
    "wish",
    [
        {"line": "a=2"},
        {"line": "  b = 2", "regexp": r"^\s*b\s*="},
        {"line": "a=1", "regexp": "^(a|b)="},
        {"line": "a=1", "regexp": ""},
        {"line": "a=1", "regexp": "^a=", "backrefs": True},
        {"line": "a=1", "regexp": "^a=", "firstmatch": True},
        {"line": "a=1", "state": "absent"},
        {"line": "a=1", "mode": "0600"},
        {"line": "a=1", "path": "odd"},
        {"line": "a=1", "path": "hard"},
        {"line": "a=1", "path": "one.d"},
        {"line": "user@host"},
        {"line": 1},
    ],
    ids=str,
)
def test_line_that_may_need_work_goes_to_the_module(place: Path, wish: dict[str, Any]) -> None:
    """Of several lines that the search finds, the last one counts."""
    words = {"state": "present", "backrefs": False, **INTERNALS}
    known = {"path": str(place / "lines"), "line": "a=1", "mode": "0644", **words}
    other = {**known, **wish, "path": str(place / wish.get("path", "lines"))}

    answers = taught(known, {**known, "regexp": "^a="}, call=LINE_CALL)

    assert answers.give(LINE_CALL, params(known)) is not None
    assert answers.give(LINE_CALL, params(other)) is None


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
    answers = Answers(Vouched(None, ""))

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


@pytest.mark.parametrize(
    ("call", "wish"),
    [
        (CALL, {"path": "one", "mode": "0644", "state": "file"}),
        (CALL, {"dest": "one", **AS_COPY_ASKS}),
        (LINE_CALL, {"path": "lines", "line": "a=1"}),
    ],
    ids=["file", "as copy asks", "lineinfile"],
)
def test_systems_log_is_told_as_by_the_module(
    place: Path, monkeypatch: pytest.MonkeyPatch, call: RunModule, wish: dict[str, Any]
) -> None:
    """People who audit their servers read there what was done."""
    places: dict[str, Any] = {
        name: str(place / wish[name]) for name in ("path", "dest") if name in wish
    }
    wish = {**wish, **places, **INTERNALS}
    answers = Answers(Vouched(None, ""))
    loud = {**wish, "_ansible_no_log": False}
    answers.learn(call, params(loud), Outcome(0, module_says(wish, call.name), b""))
    monkeypatch.setattr(system_log, "_SOCKET", str(place / f"log-{call.name}-{len(wish)}"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(system_log._SOCKET)
        log.settimeout(5)

        assert answers.give(call, params(loud)) is not None
        line = log.recv(4096).decode()
        while answers.give(call, params(loud)) is not None:
            pass  # until the log is full: the module may wait for it

    told = json.loads(module_says({**wish, **WITH_INVOCATION}, call.name))["invocation"]
    words = " ".join(f"{name}={value}" for name, value in told["module_args"].items())
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
