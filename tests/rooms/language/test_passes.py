"""Which task of a deployment's play runs in which pass, on plays that ansible-core loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from herder.language.deployment import PlayCourse
from herder.language.passes import DeployRole, Pass, Passes, find_deploy_role
from herder.model.fleet import RoleKind
from herder.release.look import LookConductor
from tests.support.core_plays import load_play
from tests.support.plugins import load_plugins

SITE = """\
- hosts: localhost
  gather_facts: false
  pre_tasks:
    - name: value
      set_fact: {a: 1}
    - name: drain
      command: echo drain
  roles: [deploy]
  tasks:
    - name: once
      command: echo once
      run_once: true
    - name: restart
      command: echo restart
"""
STEPS = (
    *("setup", "update-code", "symlink-shared", "symlink"),
    *("before-hook", "cleanup", "after-hook", "anon-stats"),
)
HOOKS = ["before-hook", "after-hook"]
WANTED = {
    Pass.STAGE: ["value", "setup", "update-code", "symlink-shared", "rescue"],
    Pass.SWITCH: [
        *("value", "drain", "symlink", *HOOKS, "anon-stats", "rescue"),
        *("once", "restart"),
    ],
    Pass.TAKE_BACK: ["value", "drain", "symlink", *HOOKS, "restart"],
}


@pytest.fixture(scope="module", autouse=True)
def loaded() -> None:
    """ansible-core finds its plugins only after this."""
    load_plugins()


@pytest.fixture
def play(tmp_path: Path) -> Any:
    """Give a play with a role built like Ansistrano's: steps are files that main.yml includes."""
    role = tmp_path / "roles" / "deploy"
    for folder in ("tasks", "defaults"):
        (role / folder).mkdir(parents=True)
    (role / "defaults" / "main.yml").write_text("ansistrano_deploy_to: /srv/site\n")
    steps = "".join(f"    - name: {name}\n      include_tasks: {name}.yml\n" for name in STEPS)
    rescue = "  rescue:\n    - name: rescue\n      fail: {msg: failed}\n"
    (role / "tasks" / "main.yml").write_text(f"- block:\n{steps}{rescue}")
    for name in STEPS:
        (role / "tasks" / f"{name}.yml").write_text(f"- name: in {name}\n  command: echo\n")
    (tmp_path / "site.yml").write_text(SITE)
    return load_play(tmp_path / "site.yml")


@pytest.fixture
def role(play: Any) -> DeployRole:
    """Give the play's deploy role."""
    found = find_deploy_role(play)
    assert found is not None
    return found


def tasks(play: Any) -> list[Any]:
    found = [task for block in play.compile() for task in block.get_tasks()]
    return [task for task in found if task.action != "meta"]


def test_a_role_is_known_by_what_it_is_made_of(role: DeployRole) -> None:
    """People have Ansistrano under names of their own."""
    assert role.kind is RoleKind.ANSISTRANO


@pytest.mark.parametrize("current", list(Pass))
def test_each_pass_runs_its_tasks(play: Any, role: DeployRole, current: Pass) -> None:
    """Nothing is drained or restarted before all hosts have the release; what fails has failed.

    The Ansistrano role's clean-up would remove what a host goes back to.
    """
    passes = Passes(role, current)

    names = [task.name for task in tasks(play) if passes.may_run(task)]

    assert names == WANTED[current]


def test_run_once_is_once_in_all_batches(play: Any, role: DeployRole) -> None:
    """A notice to a chat is sent once, though the play goes over its batches."""
    passes = Passes(role, Pass.SWITCH)
    once = next(task for task in tasks(play) if task.name == "once")

    first = passes.may_run(once)
    passes.note_once(once)

    assert (first, passes.may_run(once)) == (True, False)


def test_run_once_that_was_skipped_is_asked_of_the_next_batch(play: Any, role: DeployRole) -> None:
    """Its `when` may hold on a host that is not the first: nobody would migrate."""
    passes = Passes(role)
    course = PlayCourse(LookConductor(print), passes, [])
    passes.current = Pass.SWITCH
    once = next(task for task in tasks(play) if task.name == "once")
    may_run = []

    for is_skipped in (True, False):
        passes.note_once(once)
        course.ended(once, "web1", has_changed=False, is_skipped=is_skipped)
        may_run.append(passes.may_run(once))

    assert may_run == [True, False]


def test_equal_tasks_that_run_once_run_each(play: Any, role: DeployRole) -> None:
    """A file included for each of two databases migrates both."""
    passes = Passes(role, Pass.SWITCH)
    first = next(task for task in tasks(play) if task.name == "once")
    second = first.copy()
    second._uuid = "another"

    ran = [passes.may_run(task) for task in (first, second)]
    for task in (first, second):
        passes.note_once(task)

    assert ran == [True, True]
    passes.begin()
    assert [passes.may_run(task) for task in (first, second)] == [False, False]


def test_a_task_is_known_by_what_it_says(play: Any, role: DeployRole) -> None:
    """The same commit on another machine, in another folder, a line further down; no other work."""
    passes = Passes(role, Pass.SWITCH)
    once = next(task for task in tasks(play) if task.name == "once")
    first = passes.once_task(once)

    passes.begin()
    again = passes.once_task(once)
    once.args = {"_raw_params": "echo filled in"}
    filled_in = passes.once_task(once)
    passes.begin()
    other = passes.once_task(once)

    assert first == again == filled_in
    assert other != first


def test_a_task_to_repeat_is_in_every_batch_and_on_the_way_back(
    play: Any, role: DeployRole
) -> None:
    """A purge of the cache is no migration."""
    once = next(task for task in tasks(play) if task.name == "once")
    once.vars = {"deploy_repeat": True}
    passes = Passes(role, Pass.SWITCH)
    passes.note_once(once)

    assert passes.once_task(once) is None
    assert passes.may_run(once)
    passes.current = Pass.TAKE_BACK
    assert passes.may_run(once)


def test_a_play_without_such_a_role_is_no_deployment(play: Any) -> None:
    """It runs as it always did."""
    play.roles = []

    assert find_deploy_role(play) is None
