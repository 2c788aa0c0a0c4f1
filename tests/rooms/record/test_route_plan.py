"""record/route_plan.py: plans are kept for the very same command, and believed with care."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from herder.model.route import CommandWay, LocalWay, Route, SshWay
from herder.model.secret import Secret
from herder.record.route_plan import PLANS_LIMIT, CommandKey, PlanShelf, RoutePlan, may_be_kept
from herder.record.trail import mark_of
from tests.support.conversations import sudo_step

WAY = SshWay(
    "192.0.2.1",
    port=2222,
    user="ann",
    private_key_file="~/.ssh/id",
    arguments=("-F", "/dev/null", "-o", "ProxyCommand=ssh -W %h:%p jump"),
    timeout_seconds=3.5,
    retries=2,
    host_key_checking=False,
    standing_directory="/root/.ansible/cp",
)
ROUTE = Route("web1", WAY, ("python3", "/usr/bin/python3"), remote_tmp="/tmp/ansible")
BARE = Route("web2", SshWay("web2"), ("python3",))
KEY = CommandKey("herder playbook", ("site.yml",), "/srv", 0o755, (0, 0), ("1", "3.11"))
ENVIRONMENT = {"HOME": "/root", "SSH_AUTH_SOCK": "/tmp/1", "TERM": "xterm"}


def plan_of(folder: Path) -> RoutePlan:
    """Give a plan that depends on the names in the folder."""
    return RoutePlan({f"{folder}/": mark_of(f"{folder}/")}, (ROUTE, BARE))


def test_a_plan_is_given_as_it_was_kept(tmp_path: Path) -> None:
    """A route that differs in any field would be another session."""
    shelf = PlanShelf(tmp_path / "plans")
    plan = RoutePlan({"/srv/site.yml": "absent"}, (ROUTE, BARE))

    shelf.keep("moo", plan)

    assert shelf.get("moo") == plan
    assert shelf.get("boo") is None
    assert (tmp_path / "plans").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "plans/moo").stat().st_mode & 0o777 == 0o600


def test_a_plan_holds_as_long_as_nothing_changed(tmp_path: Path) -> None:
    """One path that leads elsewhere is enough."""
    plan = plan_of(tmp_path)
    held = plan.holds()

    (tmp_path / "more.yml").touch()

    assert held
    assert not plan.holds()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.chmod(0o620),
        lambda path: path.parent.chmod(0o702),
        lambda path: path.write_text("moo"),
        lambda path: path.write_text("[]"),
        lambda path: path.write_text(path.read_text()[:-9]),
        lambda path: path.write_text(path.read_text().replace('"web1"', "7")),
        lambda path: path.write_text(path.read_text().replace("ssh -W", "sshpass -p moo ssh -W")),
        lambda path: path.write_bytes(b"\xff\xfe"),
        lambda path: (path.rename(f"{path}~"), path.symlink_to(f"{path}~")),
        lambda path: (path.unlink(), path.mkdir()),
    ],
)
def test_what_others_could_have_written_or_makes_no_sense_is_no_plan(
    spoil: Callable[[Path], object], tmp_path: Path
) -> None:
    """It says which program is started: whoever writes it could start any."""
    shelf = PlanShelf(tmp_path / "plans")
    shelf.keep("moo", plan_of(tmp_path))

    spoil(tmp_path / "plans/moo")

    assert shelf.get("moo") is None


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give files away")
@pytest.mark.parametrize("name", ["plans", "plans/moo"])
def test_what_another_owns_is_no_plan(name: str, tmp_path: Path) -> None:
    """With sudo and a kept HOME, root would start what the user wrote."""
    shelf = PlanShelf(tmp_path / "plans")
    shelf.keep("moo", plan_of(tmp_path))
    os.chown(tmp_path / name, 65534, 65534)

    assert shelf.get("moo") is None
    shelf.keep("boo", plan_of(tmp_path))
    assert (tmp_path / "plans/boo").exists() == (name == "plans/moo")


def test_the_plans_that_were_not_used_for_longest_go(tmp_path: Path) -> None:
    """A command with another number in its words each day must not fill the disk."""
    shelf = PlanShelf(tmp_path / "plans")
    plan = RoutePlan({}, (BARE,))
    for number in range(PLANS_LIMIT):
        shelf.keep(f"{number}", plan)
        os.utime(tmp_path / f"plans/{number}", (number, number))
    shelf.get("0")

    shelf.keep("new", plan)

    names = {path.name for path in (tmp_path / "plans").iterdir()}
    assert len(names) == PLANS_LIMIT
    assert "1" not in names
    assert names >= {"0", "2", "new"}


def test_where_nothing_can_be_written_nothing_is_kept_or_said(tmp_path: Path) -> None:
    """A run does not fail for want of a plan."""
    (tmp_path / "file").touch()
    shelf = PlanShelf(tmp_path / "file/plans")

    shelf.keep("moo", plan_of(tmp_path))
    shelf.drop("moo")

    assert shelf.get("moo") is None


@pytest.mark.parametrize(
    "changes",
    [
        {"program": "herder run"},
        {"words": ("site.yml", "-v")},
        {"directory": "/srv/other"},
        {"directory_mode": 0o777},
        {"user": (1000, 1000)},
        {"versions": ("2", "3.11")},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_another_command_has_another_name(changes: dict[str, object]) -> None:
    """What decides where it connects and is no file is in its name."""
    other = replace(KEY, **changes)  # type: ignore[arg-type]  # each is of its field's type

    assert other.digest(ENVIRONMENT) != KEY.digest(ENVIRONMENT)


@pytest.mark.parametrize(
    "changes", [{"ANSIBLE_REMOTE_USER": "ann"}, {"TARGET": "web2"}, {"HOME": "/home/ann"}]
)
def test_another_environment_is_another_command(changes: dict[str, str]) -> None:
    """A playbook may look up any variable."""
    assert KEY.digest({**ENVIRONMENT, **changes}) != KEY.digest(ENVIRONMENT)


def test_another_terminal_is_not_another_command() -> None:
    """Nor another login, but for whether it has an agent for keys."""
    before = KEY.digest(ENVIRONMENT)
    elsewhere = {"SSH_AUTH_SOCK": "/tmp/2", "TERM": "dumb", "COLUMNS": "80", "XDG_SESSION_ID": "7"}

    assert KEY.digest({**ENVIRONMENT, **elsewhere}) == before
    assert KEY.digest({"HOME": "/root", "TERM": "xterm"}) != before


@pytest.mark.parametrize(
    "route",
    [
        Route("web1", LocalWay(), ("python3",)),
        Route("web1", CommandWay(("docker", "exec", "-i", "web1", "/bin/sh", "-c")), ("python3",)),
        replace(ROUTE, become=sudo_step("root", None)),
        replace(ROUTE, way=replace(WAY, password=Secret("moo"))),
        replace(ROUTE, way=replace(WAY, arguments=("-o", "ProxyCommand=sshpass -p moo ssh jump"))),
        replace(ROUTE, way=replace(WAY, arguments=("-oProxyCommand nc --proxy-auth a:b p 1",))),
        replace(ROUTE, way=replace(WAY, arguments=("-o", "ProxyCommand=ssh '"))),
        replace(ROUTE, way=replace(WAY, arguments=("-o", "setenv=TOKEN=moo"))),
    ],
)
def test_what_could_hold_a_secret_is_never_kept(route: Route) -> None:
    """A plan lies on a disk and in its backups."""
    assert not may_be_kept(route)


def test_no_word_of_the_command_and_of_the_environment_stands_in_a_plan(tmp_path: Path) -> None:
    """`-e token=...` and TOKEN=... are what a command is known by, as a digest only."""
    shelf = PlanShelf(tmp_path / "plans")
    key = replace(KEY, words=("-e", "token=hush"))

    name = key.digest({"TOKEN": "hush"})
    shelf.keep(name, plan_of(tmp_path))

    assert "hush" not in name + (tmp_path / "plans" / name).read_text()
    assert json.loads((tmp_path / "plans" / name).read_text()).keys() == {"marks", "routes"}
