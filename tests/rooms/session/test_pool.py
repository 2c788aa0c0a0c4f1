"""session/pool.py: sessions over real ssh, shared, refused for clear reasons, ended together."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from herder.errors import BecomeRefused, HostUnreachable, PythonMissing
from herder.model.ports import CommandCall, Session
from herder.model.route import BecomeStep, CommandWay, LocalWay, Route, SshWay
from herder.model.secret import Secret
from herder.session.connection import SessionLimits
from herder.session.host_session import HostSession
from herder.session.pool import SessionPool
from tests.support.conversations import MARKER, su_step, sudo_step
from tests.support.pythons import THIS
from tests.support.sessions import has_ended, is_alive, open_pool
from tests.support.ssh_server import PASSWORD, SshServer, server_or_skip

LOCAL = Route("here", LocalWay(), (THIS,))


def way(server: SshServer, user: str, password: str | None = None) -> SshWay:
    """Give the way to one of the server's users, with the key unless there is a password."""
    return SshWay(
        "127.0.0.1",
        port=server.port,
        user=user,
        private_key_file=None if password else str(server.key),
        password=Secret(password) if password else None,
        arguments=server.arguments,
    )


def route(server: SshServer, user: str, become: BecomeStep | None = None) -> Route:
    """Give the route to a user by key, and on."""
    return Route("web1", way(server, user), ("python3",), become=become)


async def user_of(session: Session) -> str:
    """Ask the host who we are there."""
    completed = await session.run_command(CommandCall("id -un"))
    return completed.stdout.decode().strip()


async def test_key_and_password_both_lead_to_the_host(ssh_server: SshServer) -> None:
    """The password goes through askpass, with any character in it."""
    by_password = Route("web2", way(ssh_server, "asker", PASSWORD), ("python3",))

    async with open_pool() as pool:
        users = [
            await user_of(await pool.get(each)) for each in (route(ssh_server, "root"), by_password)
        ]

    assert users == ["root", "asker"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"password": Secret("wrong"), "private_key_file": None}, "Invalid/incorrect password: .*"),
        ({"private_key_file": None}, "Failed to connect to the host via ssh: .*Permission denied"),
        ({"port": 1}, "Failed to connect to the host via ssh: .*Connection refused"),
        ({"address": "no-such-host.invalid"}, "Failed to connect to the host via ssh: .*resolve"),
        (
            {"arguments": ("-F", "/dev/null", "-o", "UserKnownHostsFile=/dev/null")},
            "Host key verification failed",
        ),
        ({"executable": "/no/ssh"}, "cannot start '/no/ssh'"),
    ],
    ids=["wrong password", "no key", "refused", "no such host", "unknown key", "no ssh"],
)
async def test_unreachable_host_says_why(
    ssh_server: SshServer, changes: dict[str, object], words: str
) -> None:
    """The reason is ssh's own, in the words ansible puts around it."""
    broken = replace(way(ssh_server, "asker"), **changes)  # type: ignore[arg-type]

    async with open_pool() as pool:
        with pytest.raises(HostUnreachable, match=words) as caught:
            await pool.get(Route("web1", broken, ("python3",)))

    assert PASSWORD not in str(caught.value)


async def test_host_without_python_is_told_from_an_unreachable_one(ssh_server: SshServer) -> None:
    """`raw` still works there, and installs one."""
    bare = Route("web1", way(ssh_server, "asker"), ("python9",))

    async with open_pool() as pool:
        with pytest.raises(PythonMissing, match="python9"):
            await pool.get(bare)
        completed = await pool.run_raw(bare, "cat; echo here; exit 3", b"in ")

    assert (completed.status, completed.stdout) == (3, b"in here\n")


async def test_host_whose_python_does_not_start_is_told_from_an_unreachable_one(
    ssh_server: SshServer,
) -> None:
    """A broken virtual environment is the task's failure, and no reason to give the host up."""
    broken = Route("web1", way(ssh_server, "asker"), ("/bin/false",))

    async with open_pool() as pool:
        with pytest.raises(PythonMissing, match="status 1") as caught:
            await pool.get(broken)

    assert not caught.value.is_too_old


@pytest.fixture(scope="module")
def busy_server() -> Iterator[SshServer]:
    """Give a server that turns away whoever comes while two are logging in."""
    with server_or_skip(max_startups="2:100:2") as server:
        yield server


@pytest.mark.parametrize("is_raw", [False, True], ids=["sessions", "raw"])
async def test_a_server_that_takes_few_connections_at_a_time_gets_them_one_after_another(
    busy_server: SshServer, *, is_raw: bool
) -> None:
    """An sshd as it comes turns away by lot from ten on: hosts behind a jump host were lost."""
    routes = [replace(route(busy_server, "root"), host=f"web{number}") for number in range(8)]

    async with open_pool() as pool:
        if is_raw:
            await asyncio.gather(*(pool.run_raw(each, "true") for each in routes))
        else:
            await asyncio.gather(*map(pool.get, routes))

    assert "MaxStartups" in (busy_server.folder / "sshd.log").read_text()


async def test_raw_on_an_unreachable_host_says_so(ssh_server: SshServer) -> None:
    """ssh's own failure is no result of the line."""
    closed = replace(way(ssh_server, "asker"), port=1)

    async with open_pool() as pool:
        with pytest.raises(HostUnreachable, match="Connection refused"):
            await pool.run_raw(Route("web1", closed, ()), "true")


@pytest.mark.parametrize(
    ("login", "step", "user"),
    [
        ("free", sudo_step("root", None), "root"),
        ("asker", sudo_step("root", PASSWORD), "root"),
        ("free", sudo_step("barred", None), "barred"),
        ("free", sudo_step("root", PASSWORD), "root"),
        ("asker", su_step("free", PASSWORD), "free"),
        ("asker", su_step("free", PASSWORD, needs_tty=False), "free"),
        ("root", su_step("free", None), "free"),
        ("tied", sudo_step("root", PASSWORD), "root"),
        ("tied", sudo_step("barred", None), "barred"),
    ],
    ids=[
        "sudo without password",
        "sudo with password",
        "sudo to another user",
        "sudo with a password nobody asks for",
        "su on a terminal",
        "su without terminal",
        "su of root",
        "sudo that wants a terminal, with password",
        "sudo that wants a terminal",
    ],
)
async def test_become_gives_a_session_as_the_other_user(
    ssh_server: SshServer, login: str, step: BecomeStep, user: str
) -> None:
    """The second agent lives at the end of the become program's pipes."""
    async with open_pool() as pool:
        session = await pool.get(route(ssh_server, login, step))
        content = bytes(range(256)) * 4000
        # open to every user, and another for each worker of the tests
        place = f"/tmp/herder-become-test-{os.getpid()}"
        await session.put_bytes(content, place)
        status = await session.stat(place, follow=True, checksum=True)
        await session.remove(place)

        assert (session.facts.user, await user_of(session)) == (user, user)
        assert (status.uid, status.size) == (session.facts.uid, len(content))


@pytest.mark.parametrize(
    ("login", "step", "words"),
    [
        ("asker", sudo_step("root", "wrong"), "Incorrect sudo password"),
        ("asker", sudo_step("root", None), "Missing sudo password"),
        ("barred", sudo_step("root", PASSWORD), "barred is not in the sudoers file"),
        ("asker", su_step("free", "wrong"), "Incorrect su password"),
        ("asker", su_step("free", None), "Missing su password"),
        ("free", sudo_step("nobody-here", None), "unknown user nobody-here"),
    ],
    ids=["wrong", "missing", "not allowed", "su wrong", "su missing", "no such user"],
)
async def test_become_is_refused_with_the_reason(
    ssh_server: SshServer, login: str, step: BecomeStep, words: str
) -> None:
    """The login session stays usable: only this escalation failed."""
    async with open_pool() as pool:
        with pytest.raises(BecomeRefused, match=words):
            await pool.get(route(ssh_server, login, step))

        assert await user_of(await pool.get(route(ssh_server, login))) == login


async def test_missing_python_behind_become_is_said_so(ssh_server: SshServer) -> None:
    """The other user may have another PATH."""
    step = sudo_step("root", None, python="python9")

    async with open_pool() as pool:
        with pytest.raises(PythonMissing):
            await pool.get(route(ssh_server, "free", step))


async def test_connection_cut_in_the_middle_ends_the_work_on_the_host(
    ssh_server: SshServer,
) -> None:
    """Through ssh and through become: nothing goes on there that nobody sees."""
    async with open_pool() as pool:
        login = await pool.get(route(ssh_server, "free"))
        root = await pool.get(route(ssh_server, "free", sudo_step("root", None)))
        parent = await login.run_command(CommandCall("ps -o ppid= -p $PPID"))
        pending = asyncio.ensure_future(root.run_command(CommandCall("exec sleep 100")))
        await asyncio.sleep(0.3)
        os.kill(int(parent.stdout), signal.SIGKILL)

        with pytest.raises(HostUnreachable, match=r"Failed to connect|broke off"):
            await asyncio.wait_for(pending, 5)
        for session in (login, root):
            assert await asyncio.to_thread(has_ended, session.facts.process_id, 5)


async def test_callers_at_the_same_time_share_one_session() -> None:
    """Thirty tasks may ask for the same host at once."""
    async with open_pool() as pool:
        sessions = await asyncio.gather(*(pool.get(LOCAL) for _ in range(10)))

    assert all(session is sessions[0] for session in sessions)


async def test_hosts_that_are_this_machine_share_one_agent() -> None:
    """A hundred API hosts with ansible_connection=local must not cost a hundred Pythons."""
    async with open_pool() as pool:
        sessions = [await pool.get(replace(LOCAL, host=name)) for name in ("a", "b")]
        await pool.reset("a")

        assert sessions[0] is sessions[1]
        assert (await sessions[1].run_command(CommandCall("echo x"))).stdout == b"x\n"


async def test_shared_agent_ends_when_its_account_is_to_go() -> None:
    """userdel refuses while the account has a process, whichever host of this machine used it."""
    async with open_pool() as pool:
        before = (await pool.get(replace(LOCAL, host="a"))).facts.process_id
        await pool.end(replace(LOCAL, host="b"))

        assert not is_alive(before)
        assert (await pool.get(replace(LOCAL, host="a"))).facts.process_id != before


async def test_callers_at_the_same_time_share_one_failure(ssh_server: SshServer) -> None:
    """Ten waits for one dead host must not become ten attempts, one after the other."""
    step = sudo_step("root", "wrong")
    async with open_pool() as pool:
        begin = time.monotonic()
        asked = [pool.get(route(ssh_server, "asker", step)) for _ in range(5)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        seconds = time.monotonic() - begin

    assert all(isinstance(answer, BecomeRefused) for answer in answers)
    assert seconds < 12


async def test_caller_who_gives_up_does_not_harm_the_others() -> None:
    """One task's timeout is not another's."""
    async with open_pool() as pool:
        first = asyncio.ensure_future(pool.get(LOCAL))
        second = asyncio.ensure_future(pool.get(LOCAL))
        await asyncio.sleep(0.01)
        first.cancel()

        assert (await second).facts.process_id


async def test_reset_ends_a_session_and_what_leads_through_it(ssh_server: SshServer) -> None:
    """`meta: reset_connection` must give new groups and limits."""
    outer, inner = route(ssh_server, "free"), route(ssh_server, "free", sudo_step("root", None))
    async with open_pool() as pool:
        before = [(await pool.get(each)).facts.process_id for each in (outer, inner)]
        await pool.reset("web1")
        after = [(await pool.get(each)).facts.process_id for each in (outer, inner)]

    assert not any(is_alive(each) for each in before)
    assert not set(before) & set(after)


async def test_closed_pool_leaves_no_process_and_gives_no_session() -> None:
    """Closing is the end, and may be asked for twice."""
    pool = SessionPool(shares_local=False)
    agents = [
        (await pool.get(replace(LOCAL, host=f"h{number}"))).facts.process_id for number in range(5)
    ]

    await asyncio.gather(pool.close(), pool.close())

    assert not any(is_alive(agent) for agent in agents)
    with pytest.raises(HostUnreachable):
        await pool.get(LOCAL)


async def test_noisy_login_does_not_disturb(tmp_path: Path, ssh_server: SshServer) -> None:
    """A profile that prints is the most common of all broken hosts."""
    noisy = Route(
        "web1",
        way(ssh_server, "asker"),
        ("/bin/sh -c 'echo noise; echo n >&2; exec python3 \"$@\"' sh",),
    )

    async with open_pool() as pool:
        assert await user_of(await pool.get(noisy)) == "asker"


@pytest.mark.parametrize("password", [PASSWORD, "wrong"])
async def test_raw_answers_a_become_prompt(ssh_server: SshServer, password: str) -> None:
    """A bare host may want a sudo password before its Python can be installed."""
    step = sudo_step("root", password)
    line = f"sudo -H -S -p '[our prompt] password:' /bin/sh -c 'echo {MARKER}; id -un; cat'"

    async with open_pool() as pool:
        asked = pool.run_raw(route(ssh_server, "asker", step), line, b"in")
        if password != PASSWORD:
            with pytest.raises(BecomeRefused, match="Incorrect sudo password"):
                await asked
            return
        completed = await asked

    assert completed.stdout == f"{MARKER}\nroot\nin".encode()


async def test_new_group_of_a_become_user_counts_for_the_next_task(ssh_server: SshServer) -> None:
    """`user: groups=docker append=yes`, then a task as that user: sudo anew would know it."""
    root = route(ssh_server, "root")
    deployer = route(ssh_server, "free", sudo_step("barred", None))
    join = "sed '$a herdertest:x:62000:barred' /etc/group > ~/group; cat ~/group > /etc/group"

    async with open_pool() as pool:
        before = await (await pool.get(deployer)).run_command(CommandCall("id -Gn"))
        await (await pool.get(root)).run_command(CommandCall(join))
        after = await (await pool.get(deployer)).run_command(CommandCall("id -Gn"))

    assert (before.stdout, after.stdout) == (b"barred\n", b"barred herdertest\n")


def counting_way(folder: Path, line: str) -> CommandWay:
    """Give a way that writes a line to a file each time it is gone, then does what `line` says."""
    return CommandWay(("/bin/sh", "-c", f"echo >> {folder}/gone; {line}", "way"))


def times_gone(folder: Path) -> int:
    """Give how often such a way was gone."""
    path = folder / "gone"
    return len(path.read_text().splitlines()) if path.exists() else 0


async def until(is_so: Callable[[], bool]) -> None:
    """Wait until it is so; what is waited for are other processes."""
    for _ in range(1000):
        if is_so():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError


async def test_callers_at_the_same_time_share_one_attempt(tmp_path: Path) -> None:
    """A thousand tasks on a dead host would else wait for one another's timeout."""
    dead = Route("dead", counting_way(tmp_path, "exit 3"), (THIS,))
    async with open_pool() as pool:
        asked = [pool.get(dead) for _ in range(5)]
        answers = await asyncio.gather(*asked, return_exceptions=True)

        assert all(isinstance(answer, HostUnreachable) for answer in answers)
        assert times_gone(tmp_path) == 1


async def test_closed_pool_goes_nowhere(tmp_path: Path) -> None:
    """A worker that is late after Ctrl-C must not log in anywhere."""
    pool = SessionPool()
    await pool.close()

    with pytest.raises(HostUnreachable, match="the run is over"):
        await pool.get(Route("late", counting_way(tmp_path, "exit 3"), (THIS,)))

    assert times_gone(tmp_path) == 0


async def test_who_asks_gets_the_session_that_was_begun(tmp_path: Path) -> None:
    """A connection that stands already, or is just coming up, is the one and only."""
    way = counting_way(tmp_path, 'exec /bin/sh -c "$1"')
    routes = [Route(name, way, ("python3",)) for name in ("one", "two")]

    async with open_pool() as pool:
        await pool.begin(routes)
        first = await pool.get(routes[0])
        await pool.get(routes[1])

        assert await pool.get(routes[0]) is first
        assert times_gone(tmp_path) == 2
        assert await pool.asked() == await pool.connected() == tuple(routes)


async def test_a_connection_that_failed_before_it_was_asked_for_failed_once(tmp_path: Path) -> None:
    """Who asks first is told of it, together with all who ask then; later it is tried anew."""
    route = Route("one", counting_way(tmp_path, "echo no way >&2; exit 1"), ("python3",))

    async with open_pool() as pool:
        await pool.begin([route])
        await until(lambda: times_gone(tmp_path) == 1)
        await asyncio.sleep(0.5)
        errors = await asyncio.gather(*(pool.get(route) for _ in range(3)), return_exceptions=True)
        times_first = times_gone(tmp_path)
        await asyncio.sleep(1.0)
        with pytest.raises(HostUnreachable, match="no way"):
            await pool.get(route)

        assert [str(error) for error in errors] == [str(errors[0])] * 3
        assert "no way" in str(errors[0])
        assert (times_first, times_gone(tmp_path)) == (1, 2)
        assert await pool.connected() == ()


async def test_after_the_run_did_something_an_early_failure_says_nothing(tmp_path: Path) -> None:
    """The host may be there by now."""
    line = f'test -e {tmp_path}/up || exit 1; exec /bin/sh -c "$1"'
    route = Route("one", counting_way(tmp_path, line), ("python3",))

    async with open_pool() as pool:
        await pool.begin([route])
        await until(lambda: times_gone(tmp_path) == 1)
        await asyncio.sleep(0.5)
        (tmp_path / "up").touch()
        await pool.forget_early_errors()
        await pool.get(route)

        assert times_gone(tmp_path) == 2


async def test_what_was_begun_and_never_asked_for_is_ended(tmp_path: Path) -> None:
    """Whether it stands or is still coming up."""
    up = Route("up", counting_way(tmp_path, 'exec /bin/sh -c "$1"'), ("python3",))
    coming = Route(
        "coming", counting_way(tmp_path, f"echo $$ > {tmp_path}/id; exec sleep 60"), ("",)
    )

    async with open_pool() as pool:
        await pool.begin([up, coming])
        await until(lambda: (tmp_path / "id").exists() and times_gone(tmp_path) == 2)
        await pool.get(up)
        process_id = int((tmp_path / "id").read_text())
        started = time.monotonic()

    assert time.monotonic() - started < 3
    assert not is_alive(process_id)


async def test_a_session_that_is_open_is_ready_for_who_asks_again() -> None:
    """Without a question to the loop; hosts of this machine share it."""
    async with open_pool() as pool:
        before = pool.ready(LOCAL)
        session = await pool.get(LOCAL)

        assert (before, pool.ready(LOCAL)) == (None, session)
        assert pool.ready(replace(LOCAL, host="another")) is session
        assert pool.ready(replace(LOCAL, interpreters=("no-python",))) is None


@pytest.mark.parametrize("ending", ["end", "close"])
async def test_a_session_that_was_ended_is_not_ready(ending: str) -> None:
    """The next task connects anew."""
    async with open_pool() as pool:
        await pool.get(LOCAL)
        await (pool.close() if ending == "close" else pool.end(LOCAL))

        assert pool.ready(LOCAL) is None


async def test_a_session_whose_agent_died_is_not_ready() -> None:
    """Its loss is told by who connects anew."""
    async with open_pool() as pool:
        session = await pool.get(LOCAL)
        completed = await session.run_command(CommandCall("echo $PPID"))
        os.kill(int(completed.stdout), signal.SIGKILL)
        for _ in range(100):
            if pool.ready(LOCAL) is None:
                break
            await asyncio.sleep(0.02)

        assert pool.ready(LOCAL) is None


async def test_a_session_that_may_have_old_groups_is_not_ready() -> None:
    """Only `get` asks whether what become started knows the groups of now."""
    async with open_pool() as pool:
        await pool.get(LOCAL)
        for slot in pool._slots.values():
            slot.is_suspect = True

        assert pool.ready(LOCAL) is None


@pytest.fixture
def standing(ssh_server: SshServer) -> Iterator[Route]:
    """Give a route whose connection stands on after its pool; it is given up in the end."""
    keeping = ("-o", "ControlMaster=auto", "-o", "ControlPersist=60")
    with tempfile.TemporaryDirectory(prefix="herder-cp-") as folder:
        way = SshWay(
            "127.0.0.1",
            port=ssh_server.port,
            user="free",
            private_key_file=str(ssh_server.key),
            arguments=(*ssh_server.arguments, *keeping),
            standing_directory=folder,
        )
        yield Route("web1", way, ("python3",))
        for process_id in masters(folder):
            with suppress(ProcessLookupError):
                os.kill(process_id, signal.SIGCONT)
                os.kill(process_id, signal.SIGTERM)


def masters(folder: str) -> list[int]:
    """Give the processes of ssh that listen in the folder; their title names the socket."""
    shown = subprocess.check_output(["ps", "-eo", "pid=,args="], text=True).splitlines()
    return [int(line.split()[0]) for line in shown if "ssh: " in line and folder in line]


async def connection_of(session: Session) -> bytes:
    """Give what tells one connection from another: the client's port."""
    return (await session.run_command(CommandCall("echo $SSH_CONNECTION"))).stdout


async def test_the_next_run_goes_through_the_connection_that_stands(standing: Route) -> None:
    """It need not log in again; with another user on the way in, it does."""
    seen = []
    for _ in range(2):
        async with open_pool() as pool:
            seen.append(await connection_of(await pool.get(standing)))
            become = replace(standing, become=sudo_step("root", None))
            assert await user_of(await pool.get(become)) == "root"

    assert seen[0] == seen[1] != b"\n"


async def test_after_a_reset_no_standing_connection_is_used(standing: Route) -> None:
    """Neither one that this run used nor, as its first word, one of an earlier run."""
    async with open_pool() as pool:
        first = await connection_of(await pool.get(standing))
        await pool.reset("web1")
        second = await connection_of(await pool.get(standing))
    async with open_pool() as pool:
        await pool.reset("web1")
        third = await connection_of(await pool.get(standing))
        other = replace(standing, interpreters=("/usr/bin/python3",))
        again = await connection_of(await pool.get(other))
    async with open_pool() as pool:
        fourth = await connection_of(await pool.get(standing))

    assert len({first, second, third}) == 3
    assert third == again == fourth


async def test_what_was_begun_before_a_reset_is_ended_by_it(standing: Route) -> None:
    """It may have gone through a connection from before."""
    async with open_pool() as pool:
        first = await connection_of(await pool.get(standing))
    async with open_pool() as pool:
        await pool.begin([standing])
        await pool.reset("web1")
        second = await connection_of(await pool.get(standing))

    assert first != second


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL], ids=["hangs", "is dead"])
async def test_a_standing_connection_that_leads_nowhere_counts_for_nothing(
    standing: Route, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server was restarted, or the network changed, since the last run."""
    monkeypatch.setattr("herder.session.pool._STANDING_SECONDS", 1.0)
    assert isinstance(standing.way, SshWay)
    async with open_pool() as pool:
        first = await connection_of(await pool.get(standing))
    (master,) = masters(str(standing.way.standing_directory))
    os.kill(master, number)

    async with open_pool() as pool:
        second = await connection_of(await pool.get(standing))

    assert first != second


async def test_a_session_that_broke_off_is_made_anew_at_once(standing: Route) -> None:
    """What stands may have broken off with it and not know yet."""
    assert isinstance(standing.way, SshWay)
    async with open_pool(SessionLimits(close_seconds=0.2)) as pool:
        session = await pool.get(standing)
        first = await connection_of(session)
        for process_id in masters(str(standing.way.standing_directory)):
            os.kill(process_id, signal.SIGSTOP)
        assert isinstance(session, HostSession)
        await session.connection.close()
        started = time.monotonic()
        second = await connection_of(await pool.get(standing))
        seconds = time.monotonic() - started

    assert first != second
    assert seconds < 8
