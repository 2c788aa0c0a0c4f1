"""agent/known_command.py, program.py: a program is started, and told of, as by the module."""

from __future__ import annotations

import asyncio
import functools
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.parameters import PASS_VARS

from herder.agent.children import Outcome
from herder.agent.known_command import KnownCommand
from herder.agent.program import Program
from herder.agent.vouched import Vouched
from herder.errors import OperationTimedOut
from herder.model.ports import Completed, ModuleBundle
from herder.session.host_session import HostSession
from herder.wire.messages import RunModule
from tests.support.bundles import call_of, core_bundle
from tests.support.core_modules import core_module_says
from tests.support.sessions import has_ended, home_at, open_session

CALL = RunModule("command", "ansible.modules.command", "digest", is_core=True)
INTERNALS: dict[str, Any] = {
    "_ansible_no_log": True,
    "_ansible_check_mode": False,
    "_ansible_module_name": "ansible.legacy.command",
    "_ansible_syslog_facility": "LOG_USER",
    "_ansible_target_log_info": None,
    "_ansible_debug": False,
    "_ansible_shell_executable": "/bin/sh",
    "_ansible_tracebacks_for": [],
}
# what is always said before ansible-core 2.21
WITH_INVOCATION = {"_ansible_inject_invocation": True} if "inject_invocation" in PASS_VARS else {}
TIMES = {"start", "end", "delta"}


def shell(line: str, **more: Any) -> dict[str, Any]:
    return {"_raw_params": line, "_uses_shell": True, **more}


def command(line: str, **more: Any) -> dict[str, Any]:
    return {"_raw_params": line, **more}


def bundle() -> ModuleBundle:
    return replace(core_bundle("command"), is_core=True)


def source() -> str:
    path = "ansible/modules/command.py"
    return next(file.content for file in bundle().files if file.path == path).decode()


@functools.cache
def module_says(text: str) -> bytes:
    return core_module_says("command", json.loads(text))


def steady(said: bytes) -> list[tuple[str, Any]]:
    """Give a result, its keys in their order, without what changes from one moment to the next."""
    return [(key, value) for key, value in json.loads(said).items() if key not in TIMES]


def params(wish: dict[str, Any]) -> bytes:
    return json.dumps({"ANSIBLE_MODULE_ARGS": {**wish, **INTERNALS}}).encode()


def taught(*examples: dict[str, Any]) -> KnownCommand:
    """Give what is known after the module has answered these."""
    __import__("ansible.module_utils.basic")
    known = KnownCommand(Vouched(None, ""))
    for each in examples:
        said = module_says(json.dumps({**each, **INTERNALS}))
        known.learn(CALL, params(each), Outcome(0, said, b""), source)
    return known


async def ask(session: HostSession, wish: dict[str, Any]) -> Completed:
    return await session.run_module(call_of(bundle(), **wish, **INTERNALS))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (command("true"), command("echo of   several words")),
        (command("true"), command("echo 'a b' \"c\" d\\ e")),
        (command("true"), command("echo $HOME ~ $NO_SUCH x$HOME")),
        (command("true"), command("sh -c 'echo out; echo err >&2; exit 3'")),
        (command("true"), command("false")),
        (shell("true"), shell("echo one; echo two >&2\nkill -9 $$")),
        (shell("true"), shell("printf 'a\\n\\n\\r\\n'; printf '\\377\\303\\244'; cat")),
        (shell("true"), shell("(sleep 0.4; echo late) & echo early")),
        (shell("true", executable="/bin/bash"), shell("echo ${BASH##*/}", executable="/bin/bash")),
        (command("true", chdir="/tmp"), command("pwd", chdir="/usr")),
        ({"argv": ["true"]}, {"argv": ["echo", "a  b", "$HOME"]}),
        ({"cmd": "true"}, {"cmd": "echo cmd"}),
        (
            command("true", expand_argument_vars=False),
            command("echo $HOME ~", expand_argument_vars=False),
        ),
    ],
    ids=str,
)
async def test_program_is_told_in_the_modules_own_words(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    """What a playbook can see of it must not tell who started the program."""
    assert taught(first).prepare(CALL, params(second)) is not None

    async with open_session() as session:
        await ask(session, first)
        ours = await ask(session, second)
    theirs = await asyncio.to_thread(module_says, json.dumps({**second, **INTERNALS}))

    assert steady(ours.stdout) == steady(theirs)
    assert ours.stdout.startswith(b"\n")
    assert ours.status == (1 if json.loads(theirs)["rc"] else 0)
    assert {len(json.loads(ours.stdout)[key]) for key in ("start", "end")} == {26}


SPARED = [
    (command("false", creates="/etc"), command("no such program", creates="/etc/passwd")),
    (shell("false", removes="/no/where"), shell("exit 3", removes="/nowhere")),
    (shell("false", creates="/etc", removes="/no"), shell("x", creates="/nowhere", removes="/no")),
    (
        command("false", creates="/etc", chdir="/"),
        command("false 'a b'", creates="/etc/", chdir="/tmp"),
    ),
]


@pytest.mark.parametrize(("first", "second"), SPARED, ids=str)
def test_program_that_need_not_run_is_told_of_in_the_modules_own_words(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    """`creates` and `removes` are what makes most commands of a playbook idempotent."""
    ours = taught(first).prepare(CALL, params(second))

    assert ours == module_says(json.dumps({**second, **INTERNALS}))


GUARDED = [
    (command("true", creates="/nowhere"), command("echo ran", creates="/no")),
    (command("true", removes="/etc"), command("echo ran", removes="/etc/passwd")),
    (command("true", creates="/nowhere"), command("false", creates="/no")),
]


@pytest.mark.parametrize(("first", "second"), GUARDED, ids=str)
async def test_program_that_must_run_is_started_in_spite_of_its_guard(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    """A word about another call must not keep it from running."""
    known = taught(first, command("x", creates="/etc"), command("x", removes="/nowhere"))
    assert isinstance(known.prepare(CALL, params(second)), Program)

    async with open_session() as session:
        await ask(session, first)
        ours = await ask(session, second)

    theirs = await asyncio.to_thread(module_says, json.dumps({**second, **INTERNALS}))
    assert steady(ours.stdout) == steady(theirs)


async def test_program_that_makes_what_spares_it_runs_once(tmp_path: Path) -> None:
    """The module is learned from after the program has run, when the file is there."""
    async with open_session() as session:
        said = [
            await ask(session, shell(f"date > {tmp_path / name}", creates=f"{tmp_path / name}"))
            for name in ("first", "first", "second", "second")
        ]

    assert [json.loads(each.stdout)["changed"] for each in said] == [True, False, True, False]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first", "second"]


def test_words_of_a_release_that_spares_otherwise_are_never_taken() -> None:
    """What it says then is not known here."""
    wish = command("false", creates="/etc")
    said = json.loads(module_says(json.dumps({**wish, **INTERNALS})))
    known = KnownCommand(Vouched(None, ""))

    for other in ({**said, "msg": "not run"}, {**said, "warnings": []}):
        known.learn(
            CALL, params(wish), Outcome(0, f"\n{json.dumps(other)}\n".encode(), b""), source
        )

    assert known.prepare(CALL, params(wish)) is None


SURROUNDINGS = [
    "env | sort | grep -v ^_=",
    "umask; pwd; ulimit -a",
    "readlink /proc/$$/fd/*; true",
    "grep -E '^(Sig|Shd)(Ign|Blk|Cgt)' /proc/self/status",
    "set -- $(cut -d')' -f2 /proc/$$/stat); test $2 = $PPID -a $3 = $PPID -a $4 = $PPID; echo $?",
]


@pytest.mark.parametrize("line", SURROUNDINGS)
async def test_program_finds_what_it_finds_under_the_module(line: str, tmp_path: Path) -> None:
    """Environment, files, signals; the leader of its session is another, so it may have its own."""
    assert taught(shell(line)).prepare(CALL, params(shell(line))) is not None

    # a home of its own: else what an earlier run was vouched for would answer both
    with home_at(tmp_path):
        async with open_session() as session:
            by_module = await ask(session, shell(line))
            by_agent = await ask(session, shell(line))

    assert _found(by_module) == _found(by_agent)


def _found(said: Completed) -> list[str]:
    """Give what was printed, without numbers of pipes and the signals that glibc has for itself.

    *Source*: glibc sysdeps/unix/sysv/linux/spawni.c, which leaves these (32 and 33) ignored.
    """
    text = re.sub(r"pipe:\[\d+\]", "pipe", json.loads(said.stdout)["stdout"])
    return [
        f"SigIgn {int(line.split()[1], 16) & ~(3 << 31):x}" if line.startswith("SigIgn") else line
        for line in text.splitlines()
    ]


@pytest.mark.parametrize(
    "wish",
    [
        command("no-such-program"),
        command("/etc/passwd"),
        command("'no end"),
        command(""),
        command("echo user@host"),
        command("echo \u00e4"),
        command("true", chdir="~"),
        command("cat", stdin="x"),
        command("true", creates="/etc/pass*"),
        command("true", removes="/nowhere/[a]"),
        command("true", creates="passwd", chdir="/etc"),
        command("true", creates="$HOME"),
        command("true", creates="/etc/passwd", chdir="/nowhere"),
        command("true", strip_empty_ends=False),
        command("true", executable="/bin/sh"),
        command("true", unknown=1),
        command("true", _uses_shell="yes"),
        command("true", cmd="true"),
        shell("true", chdir="/nowhere"),
    ],
    ids=str,
)
async def test_whatever_is_unusual_goes_to_the_module(wish: dict[str, Any]) -> None:
    """What is not there, what is told in other words, what only the module understands."""
    internals = {key: value for key, value in INTERNALS.items() if key not in wish}
    async with open_session() as session:
        for each in (command("true"), shell("true"), shell("true", chdir="/tmp")):
            await ask(session, each)
        ours = await session.run_module(call_of(bundle(), **wish, **internals))
    theirs = await asyncio.to_thread(module_says, json.dumps({**wish, **internals}))

    assert steady(ours.stdout) == steady(theirs)


@pytest.mark.parametrize(
    "call",
    [
        CALL._replace(is_core=False),
        CALL._replace(bundle="other"),
        CALL._replace(environment={"A": "1"}),
        CALL._replace(async_seconds=5),
        CALL._replace(rlimit_nofile=100),
    ],
    ids=["a module of the user's", "another release", "environment", "async", "limit of files"],
)
def test_call_of_another_kind_goes_to_the_module(call: RunModule) -> None:
    """Only the very module that vouched is answered for."""
    assert taught(command("true")).prepare(CALL, params(command("true"))) is not None
    assert taught(command("true")).prepare(call, params(command("true"))) is None


@pytest.mark.parametrize("word", ["_ansible_check_mode", "_ansible_debug"])
def test_call_that_shall_not_run_goes_to_the_module(word: str) -> None:
    """In check mode nothing is started."""
    wish = {**command("true"), **INTERNALS, word: True}
    body = json.dumps({"ANSIBLE_MODULE_ARGS": wish}).encode()

    assert taught(command("true")).prepare(CALL, body) is None


def test_module_that_says_more_or_fails_otherwise_is_never_answered_for() -> None:
    """As in a release of ansible-core that nobody knows yet."""
    wish = command("true")
    said = json.loads(module_says(json.dumps({**wish, **INTERNALS})))

    for other, text in (
        ({**said, "warnings": ["x"]}, source()),
        ({**said, "msg": "other"}, ""),
        (said, source().replace("r['msg'] = '", "r['message'] = '")),
    ):
        known = KnownCommand(Vouched(None, ""))
        printed = f"\n{json.dumps(other)}\n".encode()
        known.learn(CALL, params(wish), Outcome(0, printed, b""), functools.partial(str, text))

        assert known.prepare(CALL, params(wish)) is None


@pytest.mark.parametrize(
    "wish",
    [
        command("echo a b", chdir="/tmp"),
        shell("echo one\necho two"),
        {"argv": ["echo"]},
        command("true", creates="/no/where"),
    ],
)
def test_systems_log_is_told_as_by_the_module(wish: dict[str, Any]) -> None:
    """People who audit their servers read there what was done."""
    loud = {**wish, **INTERNALS, "_ansible_no_log": False}
    body = json.dumps({"ANSIBLE_MODULE_ARGS": loud}).encode()
    known = KnownCommand(Vouched(None, ""))
    known.learn(CALL, body, Outcome(0, module_says(json.dumps(loud)), b""), source)

    program = known.prepare(CALL, body)

    told = json.loads(module_says(json.dumps({**wish, **INTERNALS, **WITH_INVOCATION})))
    words = " ".join(f"{key}={value}" for key, value in told["invocation"]["module_args"].items())
    assert isinstance(program, Program)
    assert program.log == ["ansible-ansible.legacy.command", f"Invoked with {words}", "LOG_USER"]


async def test_program_that_takes_too_long_is_ended_with_all_that_it_started(
    tmp_path: Path,
) -> None:
    """`timeout:` of a task."""
    line = f"echo out; sleep 60 & echo $! > {tmp_path}/late; wait"
    async with open_session() as session:
        await ask(session, shell("true"))
        call = replace(call_of(bundle(), **shell(line), **INTERNALS), timeout_seconds=1.0)
        with pytest.raises(OperationTimedOut, match=r"timed out after 1 s \(host"):
            await session.run_module(call)

        assert await asyncio.to_thread(has_ended, int((tmp_path / "late").read_text()), 5.0)


async def test_program_that_ends_its_own_group_is_as_a_module_that_was_ended() -> None:
    """`kill 0` in a script reaches the Python that waits for it, too."""
    async with open_session() as session:
        by_module = await ask(session, shell("echo lost; kill 0; sleep 5"))
        await ask(session, shell("true"))
        by_agent = await ask(session, shell("echo lost; kill 0; sleep 5"))

    assert (by_agent.status, by_agent.stdout) == (by_module.status, by_module.stdout)
