"""The switch: one rename, a way back on disk before it, and no crash leaves a dangling link."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.herder.deploy.plugins.module_utils import release_guard as guard
from ansible_collections.herder.deploy.plugins.module_utils import release_lease as leases
from ansible_collections.herder.deploy.plugins.module_utils import release_log
from ansible_collections.herder.deploy.plugins.module_utils import release_record as records
from ansible_collections.herder.deploy.plugins.module_utils import release_switch as switches
from ansible_collections.herder.deploy.plugins.module_utils.release_layout import (
    DeployError,
    Layout,
)


@pytest.fixture
def layout(tmp_path: Path) -> Any:
    """Give an application with the finished releases a, b and c, and a serving."""
    place = Layout(str(tmp_path / "site"))
    os.makedirs(place.releases)
    place.prepare()
    for number, name in enumerate("abc"):
        make_release(place, name, float(number + 1))
    switches.switch(place, "a", None, {})
    return place


def make_release(layout: Any, name: str, when: float) -> None:
    """Make a release whose only file says its name, and finish it."""
    records.begin(layout, name, {}, when)
    os.mkdir(layout.release(name))
    Path(layout.release(name), "index.html").write_text(name)
    records.seal(layout, name, [], {"digest": "digest of " + name}, when)


def served(layout: Any) -> str:
    """Read what a visitor would get."""
    return Path(layout.current, "index.html").read_text()


def test_switch_points_the_link_at_the_release(layout: Any) -> None:
    """The link is relative and looks as Ansistrano's does, so both can share a host."""
    journal = switches.switch(layout, "b", None, {})

    assert served(layout) == "b"
    assert os.readlink(layout.current) == "./releases/b"
    assert (journal["from"], journal["to"], journal["state"]) == ("a", "b", "confirmed")


def test_switch_to_what_serves_already_changes_nothing(layout: Any) -> None:
    """A second run must not make the way back point at itself."""
    switches.switch(layout, "b", None, {})

    again = switches.switch(layout, "b", None, {})

    assert again["changed"] is False
    assert switches.revert(layout, None)["from"] == "a"
    assert served(layout) == "a"


def test_switch_whose_answer_was_lost_can_be_confirmed(layout: Any) -> None:
    """The second call finds the work done; what it gives must name the switch that waits."""
    first = switches.switch(layout, "b", None, {"guard_seconds": 60})

    again = switches.switch(layout, "b", None, {"guard_seconds": 60})

    assert (again["changed"], again["id"], again["state"]) == (False, first["id"], "switched")
    assert switches.confirm(layout, None, again["id"])["state"] == "confirmed"
    assert served(layout) == "b"


def test_switch_to_what_others_made_serve_has_nothing_to_confirm(layout: Any) -> None:
    """Somebody changed the link by hand: no switch of ours led here."""
    os.unlink(layout.current)
    os.symlink("./releases/b", layout.current)

    found = switches.switch(layout, "b", None, {"guard_seconds": 60})

    assert (found["changed"], found["id"], found["deadline"]) == (False, "", 0.0)


@pytest.mark.parametrize("state", ["unfinished", "failed", "missing", "unrecorded"])
def test_switch_refuses_a_release_that_is_not_finished(layout: Any, state: str) -> None:
    """A half-built release must never serve, whoever asks for it."""
    if state == "unfinished":
        records.begin(layout, "x", {}, 9.0)
    if state != "missing":
        os.mkdir(layout.release("x"))
    if state == "failed":
        records.fail(layout, "x", "broken", 9.0)

    with pytest.raises(DeployError) as refused:
        switches.switch(layout, "x", None, {})

    assert refused.value.reference in ("release-unusable", "release-missing")
    assert served(layout) == "a"


def test_switch_refuses_another_content_than_expected(layout: Any) -> None:
    """The fleet agreed on one digest; a host that has another one must not serve."""
    with pytest.raises(DeployError, match="has digest digest of b, expected something"):
        switches.switch(layout, "b", None, {"expect_digest": "something"})


def test_switch_refuses_to_replace_a_real_directory(layout: Any) -> None:
    """Somebody's files may be in it."""
    os.unlink(layout.current)
    os.makedirs(os.path.join(layout.current, "precious"))

    with pytest.raises(DeployError, match="expected a link"):
        switches.switch(layout, "b", None, {})

    assert os.path.isdir(os.path.join(layout.current, "precious"))


def test_leftovers_of_crashed_switches_neither_disturb_nor_stay(layout: Any) -> None:
    """Capistrano's leftover `releases/current` makes its next deployment publish the wrong one."""
    os.symlink("./releases/c", layout.new_link + "of-a-crash")
    os.symlink(layout.release("c"), os.path.join(layout.releases, "current"))

    switches.switch(layout, "b", None, {})

    assert served(layout) == "b"
    assert not os.path.lexists(os.path.join(layout.releases, "current"))
    assert not os.path.lexists(layout.new_link + "of-a-crash")
    assert os.listdir(layout.release("c")) == ["index.html"]


def test_revert_gives_back_what_served_and_rejects_what_it_leaves(layout: Any) -> None:
    """A release that was taken back must not be chosen again."""
    switches.switch(layout, "b", None, {})

    journal = switches.revert(layout, None, why="health")

    assert served(layout) == "a"
    assert journal["state"] == "reverted"
    assert records.state_of(layout, "b") == "failed"


def test_revert_of_a_first_deployment_takes_the_link_away(layout: Any) -> None:
    """Nothing served before, so nothing serves again."""
    os.unlink(layout.current)
    switches.switch(layout, "b", None, {})

    switches.revert(layout, None)

    assert not os.path.lexists(layout.current)


def test_revert_twice_changes_nothing_the_second_time(layout: Any) -> None:
    """The controller may repeat an order whose answer it never got."""
    switches.switch(layout, "b", None, {})
    switches.revert(layout, None)

    again = switches.revert(layout, None)

    assert again["changed"] is False
    assert served(layout) == "a"


def test_revert_to_a_release_that_is_gone_is_refused(layout: Any) -> None:
    """A link that leads nowhere is worse than a release that failed its gate."""
    switches.switch(layout, "b", None, {})
    shutil.rmtree(layout.release("a"))

    with pytest.raises(DeployError) as refused:
        switches.revert(layout, None)

    assert refused.value.reference == "release-missing"
    assert served(layout) == "b"
    assert records.state_of(layout, "b") == "finished"


def test_revert_of_another_switch_is_refused(layout: Any) -> None:
    """An order that was meant for an earlier switch must not undo a later one."""
    first = switches.switch(layout, "b", None, {})
    switches.switch(layout, "c", None, {})

    with pytest.raises(DeployError, match="asked for"):
        switches.revert(layout, None, first["id"])

    assert served(layout) == "c"


def test_a_late_command_with_an_old_number_is_refused(layout: Any) -> None:
    """A deployer that was thought dead must not switch when it wakes up."""
    wish = {"owner": "old", "user": "", "host": "", "why": "", "release": "", "progress": ""}
    now = leases.this_moment()
    old = leases.acquire(layout, wish, 0.0, now)[1]["token"]
    new = leases.acquire(layout, dict(wish, owner="new"), 60.0, now)[1]["token"]

    for order in (switches.switch, switches.revert):
        with pytest.raises(DeployError) as refused:
            order(layout, *(["b", old, {}] if order is switches.switch else [old]))
        assert refused.value.reference == "stale-token"

    assert switches.switch(layout, "b", new, {})["changed"] is True


@pytest.mark.parametrize("has_renamed", [False, True])
def test_a_crash_around_the_rename_is_read_from_the_link(
    layout: Any,
    *,
    has_renamed: bool,
) -> None:
    """The journal is written first, so after a crash only the link tells what happened."""
    journal = switches._new_journal(layout, "b", None, {})
    Path(layout.journal).write_text(json.dumps(journal))
    if has_renamed:
        switches.replace_link(layout, journal["to_link"])

    assert switches.journal_of(layout)["state"] == ("switched" if has_renamed else "abandoned")
    switches.revert(layout, None)
    assert served(layout) == "a"


def test_confirmed_switch_is_left_alone_by_the_guard(layout: Any) -> None:
    """Confirming is what the guard waits for."""
    journal = switches.switch(layout, "b", None, {"guard_seconds": 0.2})
    switches.confirm(layout, None, journal["id"])
    time.sleep(0.3)

    assert switches.settle(layout) is None
    assert served(layout) == "b"


@pytest.mark.parametrize(("rule", "expected"), [("revert", "a"), ("keep", "b")])
def test_overdue_switch_is_settled_by_its_rule(layout: Any, rule: str, expected: str) -> None:
    """When the guard itself was killed, the next call carries the rule out."""
    switches.switch(layout, "b", None, {"guard_seconds": 0.01, "guard_rule": rule})
    time.sleep(0.05)

    settled = switches.settle(layout)

    assert settled["state"] in ("reverted", "confirmed")
    assert served(layout) == expected


def test_overdue_switch_whose_way_back_was_removed_is_kept(layout: Any) -> None:
    """Refusing would stop every later deployment on this host, and no command gets it out."""
    switches.switch(layout, "b", None, {"guard_seconds": 0.01})
    shutil.rmtree(layout.release("a"))
    time.sleep(0.05)

    switches.switch(layout, "b", None, {})

    assert switches.journal_of(layout)["state"] == "confirmed"
    assert layout.current_name() == "b"


def test_overdue_switch_from_a_site_elsewhere_that_is_gone_is_kept(
    layout: Any, tmp_path: Path
) -> None:
    """Outside of the releases nobody keeps what a switch goes back to."""
    older = tmp_path / "older"
    older.mkdir()
    switches.replace_link(layout, str(older))
    journal = switches.switch(layout, "b", None, {"guard_seconds": 0.01})
    older.rmdir()
    time.sleep(0.05)

    settled = switches.settle(layout)

    assert settled is not None
    assert (settled["id"], served(layout)) == (journal["id"], "b")


def test_guard_takes_back_by_itself_and_writes_it_down(layout: Any, tmp_path: Path) -> None:
    """The controller is gone: the host must not stay half way, and must say what it did."""
    order = {"guard_seconds": 0.3, "guard_command": ["touch", str(tmp_path / "reloaded")]}
    journal = switches.switch(layout, "b", None, order)
    pid = guard.start(layout, journal)

    deadline = time.monotonic() + 10
    while os.path.exists(f"/proc/{pid}") and time.monotonic() < deadline:
        time.sleep(0.05)

    assert served(layout) == "a"
    assert (tmp_path / "reloaded").exists()
    assert json.loads(Path(layout.log).read_text())["result"] == "reverted"


def test_guard_tries_again_when_something_kept_it_from_going_back(
    layout: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server whose disk just then takes nothing would else stay on a release nobody wanted."""
    monkeypatch.setattr(guard, "AGAIN_SECONDS", 0.05)
    journal = switches.switch(layout, "b", None, {"guard_seconds": 0.2})
    os.unlink(layout.lock)
    os.mkdir(layout.lock)
    pid = guard.start(layout, journal)
    time.sleep(1)
    before = served(layout)

    os.rmdir(layout.lock)
    deadline = time.monotonic() + 10
    while os.path.exists(f"/proc/{pid}") and time.monotonic() < deadline:
        time.sleep(0.05)

    assert (before, served(layout)) == ("b", "a")


def test_current_link_may_be_on_another_file_system(tmp_path: Path, layout: Any) -> None:
    """A web server's own volume, for one; a rename does not go from one to the other."""
    elsewhere = Path(tempfile.mkdtemp(dir="/dev/shm"))
    try:
        place = Layout(layout.root, current_dir=str(elsewhere / "www"))
        for name in ("a", "b"):
            journal = switches.switch(place, name, None, {})
        switches.revert(place, None, journal["id"])
        assert served(place) == "a"
        assert [each.name for each in elsewhere.iterdir()] == ["www"]
    finally:
        shutil.rmtree(elsewhere)


def test_going_back_needs_no_disk_space(layout: Any) -> None:
    """The link for the way back is made before the switch; a full disk must not stop it."""
    journal = switches.switch(layout, "b", None, {})
    assert os.readlink(layout.undo_link) == "./releases/a"

    switches._go_back(layout, journal["from_link"])

    assert served(layout) == "a"


@pytest.mark.parametrize("guard_seconds", [0, 60])
def test_way_back_of_a_fleet_needs_no_disk_space_either(layout: Any, guard_seconds: int) -> None:
    """It is a switch like any other; and what the new release filled is often why it is left."""
    switches.switch(layout, "b", None, {"guard_seconds": guard_seconds})

    with no_room():
        journal = switches.switch(layout, "a", None, {})

    assert (journal["from"], journal["state"], served(layout)) == ("b", "confirmed", "a")
    assert not switches.is_pending(switches.journal_of(layout))


def test_half_release_stays_one_where_no_room_is_to_say_that_it_failed(layout: Any) -> None:
    """Without its marker it would look as if somebody else had made it, and be adopted."""
    records.begin(layout, "x", {}, 9.0)
    os.mkdir(layout.release("x"))
    os.unlink(layout.record("x"))

    with no_room():
        records.fail(layout, "x", "no space left", 10.0)

    assert records.state_of(layout, "x") == "unfinished"


def test_release_that_is_finished_last_is_the_newest_whatever_the_clock_says(layout: Any) -> None:
    """Set back by an hour, it would make the new release one to go back to."""
    make_release(layout, "d", 1.0)

    names = [each["name"] for each in records.survey(layout)]

    assert names == ["a", "b", "c", "d"]


@pytest.mark.parametrize("current_dir", ["www/", "./www", "x/../www"])
def test_links_beside_the_current_one_are_named_after_it(layout: Any, current_dir: str) -> None:
    """Whatever way its path is written: they are renamed to it, and swept away."""
    place = Layout(layout.root, current_dir=current_dir)

    switches.switch(place, "a", None, {})
    switches.switch(place, "b", None, {})

    assert os.readlink(layout.root + "/.www.undo") == "./releases/a"
    assert os.readlink(layout.root + "/www") == "./releases/b"


@contextlib.contextmanager
def no_room() -> Iterator[None]:
    """Let no file grow by a single byte."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root writes for others")
def test_what_root_notes_stays_the_deploying_users(layout: Any) -> None:
    """One deployment as root must not lock the user out who deploys else."""
    for path in (layout.private, layout.private + "/releases"):
        os.chown(path, 1234, 1234)
    os.unlink(layout.lock)

    switches.switch(layout, "b", None, {})
    release_log.append(layout, {"event": "deployment"})

    for path in (layout.journal, layout.record("b"), layout.lock, layout.log):
        assert os.stat(path).st_uid == 1234


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_two_hundred_switches_under_a_busy_reader(layout: Any) -> None:
    """A visitor must find a whole release at any moment (rename, never remove and link)."""
    failures: list[str] = []
    reads = 0
    is_over = threading.Event()

    def read() -> None:
        nonlocal reads
        while not is_over.is_set():
            try:
                assert served(layout) in "abc"
                reads += 1
            except OSError as error:
                failures.append(str(error))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(200):
        switches.switch(layout, "bca"[number % 3], None, {})
    is_over.set()
    reader.join()

    assert failures == []
    assert reads > 100


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_kill_at_any_moment_never_leaves_a_dangling_link(layout: Any) -> None:
    """A process is killed at random moments of its switches; afterwards a whole release serves."""
    script = """
import itertools, sys
from ansible_collections.herder.deploy.plugins.module_utils import release_switch as switches
from ansible_collections.herder.deploy.plugins.module_utils.release_layout import Layout
layout = Layout(sys.argv[1])
print("ready", flush=True)
for name in itertools.cycle("bca"):
    switches.switch(layout, name, None, {})
"""
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    for number in range(10):
        command = [sys.executable, "-c", script, layout.root]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.003 * number)
        process.kill()
        process.wait()
        process.stdout.close()
        assert served(layout) in "abc"
        switches.switch(layout, "a", None, {})
        assert served(layout) == "a"
