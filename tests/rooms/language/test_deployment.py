"""The passes of a deployment's play, as ansible-core's executor asks for them."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleParserError

from herder.language.deployment import PlayCourse, PlayFleet
from herder.language.passes import DeployRole, Passes
from herder.language.shortcuts.install import install_shortcuts
from herder.language.side_tasks import SideTasks
from herder.language.workers import Worker
from herder.model.fleet import BatchReport, RoleKind, Verdict
from herder.model.releases import DeployWishes
from herder.release.deploy import DeployConductor
from tests.support.play_variables import PlayVariables
from tests.support.plugins import load_plugins

BATCHES = [("a", "b"), ("c",)]


class StoppingConductor(DeployConductor):
    """Stops after staging, as for trees that differ."""

    def staged(self, report: BatchReport) -> Verdict:
        return Verdict.STOP


class BrokenOffConductor(DeployConductor):
    """Leads the first batch back when the run breaks off, and keeps what it is told."""

    def staged(self, report: BatchReport) -> Verdict:
        return Verdict.GO_ON

    def begin_batch(self, hosts: tuple[str, ...]) -> None:
        self.told: list[object] = []

    def interrupted(self, what: str = "interrupted") -> Verdict:
        self.told.append(what)
        return Verdict.TAKE_BACK

    def hosts_to_take_back(self) -> list[tuple[str, ...]]:
        return BATCHES[:1]

    def taken_back(self, report: BatchReport) -> None:
        self.told.append(report.failed)


class GoingBackConductor(DeployConductor):
    """The first batch fails its gate; both batches go back."""

    def __init__(self, wishes: DeployWishes) -> None:
        super().__init__(wishes)
        self.is_going_back, self.is_told = threading.Event(), threading.Event()

    def staged(self, report: BatchReport) -> Verdict:
        return Verdict.GO_ON

    def begin_batch(self, hosts: tuple[str, ...]) -> None:
        """Nothing to note."""

    def switched(self, report: BatchReport) -> Verdict:
        return Verdict.TAKE_BACK

    def hosts_to_take_back(self) -> list[tuple[str, ...]]:
        self.is_going_back.set()
        return BATCHES

    def taken_back(self, report: BatchReport) -> None:
        """Nothing to note."""

    def interrupted(self, what: str = "interrupted") -> Verdict:
        self.is_told.set()
        return Verdict.TAKE_BACK


def manager() -> Any:
    """Give what a pass needs of ansible-core's queue manager."""
    inventory = SimpleNamespace(get_host=str, restrict_to_hosts=list)
    return SimpleNamespace(
        RUN_OK=0,
        RUN_FAILED_HOSTS=2,
        RUN_FAILED_BREAK_PLAY=8,
        _failed_hosts={},
        _unreachable_hosts={},
        _inventory=inventory,
        failures={},
        forget_running=list,
    )


def course_of(conductor: DeployConductor) -> PlayCourse:
    """Give the course of a play over both batches."""
    return PlayCourse(conductor, Passes(DeployRole(RoleKind.HERDER, None)), BATCHES)


def bare_play() -> Any:
    """Give what a pass needs of a play."""
    return SimpleNamespace(role_cache={}, handlers=[], compile_roles_handlers=list)


def test_no_batch_runs_after_a_stop() -> None:
    """ansible-core goes on to the next batch of a play that said that it is broken off."""
    conductor = StoppingConductor(DeployWishes("mia", "laptop", "mia@laptop/1"))
    course = course_of(conductor)
    play = bare_play()
    runs: list[int] = []

    def run_play(_: Any) -> int:
        runs.append(1)
        return 0

    codes = [course.run(manager(), play, run_play) for _ in range(3)]

    assert (codes, len(runs)) == ([10, 10, 10], 1)


def test_hosts_go_back_when_the_run_breaks_off() -> None:
    """A hook's file that cannot be read is found out after the first host has switched."""
    conductor = BrokenOffConductor(DeployWishes("mia", "laptop", "mia@laptop/1"))
    course = course_of(conductor)
    play = bare_play()
    course.run(manager(), play, lambda _: 0)

    def break_off(_: Any) -> int:
        raise AnsibleParserError("no such file\nin line 1")

    with pytest.raises(AnsibleParserError):
        course.run(manager(), play, break_off)

    assert conductor.told == ["the run broke off", {"a": "no such file", "b": "no such file"}]


def test_who_asks_for_the_end_on_the_way_back_is_told_and_means_it_the_second_time() -> None:
    """A job that is cancelled just then must not leave hosts on the release that failed."""
    conductor = GoingBackConductor(DeployWishes("mia", "laptop", "mia@laptop/1"))
    course = course_of(conductor)
    play = bare_play()
    ends: list[bool] = []

    def run_play(_: Any) -> int:
        if conductor.is_going_back.is_set():
            ends.append(course.ends_when_asked())
            assert conductor.is_told.wait(5)
        return 0

    for _ in range(2):
        course.run(manager(), play, run_play)

    assert ends == [False, True]
    assert course.ends_when_asked()


def test_who_asks_for_the_end_before_is_not_asked_again_on_the_way_back() -> None:
    """The way back is what the first one asked for; the second wants it to stop."""
    conductor = GoingBackConductor(DeployWishes("mia", "laptop", "mia@laptop/1"))
    course = course_of(conductor)
    play = bare_play()
    ends: list[bool] = []

    def run_play(_: Any) -> int:
        ends.append(course.ends_when_asked())
        return 0

    for _ in range(2):
        course.run(manager(), play, run_play)

    assert set(ends) == {True}
    assert conductor.is_going_back.is_set()


def test_what_is_fixed_holds_at_once(tmp_path: Path) -> None:
    """Merged variables are kept; a host must not stage with the phase or commit of before."""
    load_plugins()
    install_shortcuts()
    site = PlayVariables.of(tmp_path, "- hosts: all\n  tasks: [{ping: }]\n")
    side_tasks = SideTasks(
        site.play, site.tasks()[0], site.manager, site.manager._loader, Worker, {}
    )
    fleet = PlayFleet(DeployRole(RoleKind.HERDER, None), [("web1",)], side_tasks, print)
    seen = [fleet.variable("web1", "deploy_phase") for _ in range(3)]

    fleet.fix({"deploy_phase": "stage"})
    seen.append(fleet.variable("web1", "deploy_phase"))
    fleet.fix({"deploy_phase": None})
    seen.append(fleet.variable("web1", "deploy_phase"))

    assert seen == [None, None, None, "stage", None]
