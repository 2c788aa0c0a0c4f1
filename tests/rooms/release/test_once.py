"""What ran once for all hosts, kept by the collection's real module on hosts of directories."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from herder.model.fleet import OnceTask
from herder.model.releases import HostReleases
from herder.release.answers import look_at
from herder.release.once import OnceBook, OnceDeployment, content_of, done_after
from tests.support.module_fleet import ModuleFleet, run_module

HOSTS = ("web1", "web2")
MIGRATE = OnceTask("Migrate", "abc")
COMMIT = "c" * 40


@pytest.fixture
def fleet(tmp_path: Path) -> ModuleFleet:
    """Give two hosts that have release r1 of one commit, and r2 of the same."""
    made = ModuleFleet(tmp_path, [HOSTS])
    for host in HOSTS:
        for release in ("r1", "r2"):
            where = {"deploy_to": str(tmp_path / host), "release": release}
            run_module("release_stage", {**where, "steps": ["setup", "begin"]})
            place = tmp_path / host / "releases" / release
            place.mkdir()
            (place / "REVISION").write_text(COMMIT)
            run_module("release_stage", {**where, "steps": ["seal"]})
    return made


def book(fleet: ModuleFleet, release: str, hosts: Sequence[str] = HOSTS) -> OnceBook:
    """Give the book of a deployment that begins now."""
    remarks: list[str] = []
    made = OnceBook(remarks.append)
    seen = look_at(fleet, hosts, with_once=True)
    made.open(OnceDeployment(fleet, hosts, release, "mia", 0), seen)
    fleet.told = remarks
    return made


def test_what_was_done_is_not_repeated_for_the_same_commit(fleet: ModuleFleet) -> None:
    """Another release name, another deployer, another host: the database is the same."""
    first = book(fleet, "r1")
    first.begins(MIGRATE, "web1")
    first.ended(MIGRATE, "web1", has_changed=True)

    assert not book(fleet, "r2", ["web2"]).may_run(MIGRATE, "web2")
    assert "'Migrate' (by mia on web1, release r1" in fleet.told[0]
    assert book(fleet, "r2").may_run(OnceTask("Migrate", "other"), "web1")


def test_what_ran_once_for_newer_code_is_named_to_who_goes_back(fleet: ModuleFleet) -> None:
    """The old code meets the new tables, also of a release that is gone by now."""
    for release, name in (("r1", "First"), ("r2", "Second"), ("gone", "Third")):
        task, made = OnceTask(name, name), book(fleet, release)
        made.begins(task, "web1")
        made.ended(task, "web1", has_changed=True)

    seen = look_at(fleet, HOSTS, with_once=True)

    assert "'First'" not in done_after(seen, "r1")
    assert "'Second' (by mia on web1, release r2" in done_after(seen, "r1")
    assert "'Third'" in done_after(seen, "r1")
    assert "'Second'" not in done_after(seen, "r2")


@pytest.mark.parametrize("is_whole", [True, False])
def test_migration_is_to_do_again_only_when_the_hook_undid_it(
    fleet: ModuleFleet, *, is_whole: bool
) -> None:
    """And the person who deploys is told how that ended."""
    first = book(fleet, "r1")
    first.begins(MIGRATE, "web1")
    first.ended(MIGRATE, "web1", has_changed=True)

    first.undone(is_whole=is_whole)

    assert ("look whether" in fleet.told[0]) is not is_whole
    assert book(fleet, "r2").may_run(MIGRATE, "web1") is is_whole


def test_what_failed_or_changed_nothing_is_not_kept(fleet: ModuleFleet) -> None:
    """A gate that runs once must run every time."""
    first = book(fleet, "r1")
    first.begins(MIGRATE, "web1")
    first.ended(MIGRATE, "web1", has_changed=False)

    assert book(fleet, "r2").may_run(MIGRATE, "web1")
    assert fleet.told == []


def test_a_task_of_unknown_end_runs_again_and_is_told_of(fleet: ModuleFleet) -> None:
    """Its deployer was killed."""
    book(fleet, "r1").begins(MIGRATE, "web1")

    assert book(fleet, "r2").may_run(MIGRATE, "web2")
    assert "its end is not known" in fleet.told[0]


def test_done_on_one_host_counts_more_than_begun_on_another(fleet: ModuleFleet) -> None:
    """The other was cut off just before it heard of the end."""
    first = book(fleet, "r1")
    first.begins(MIGRATE, "web1")
    fleet.lost.add("web1")
    first.ended(MIGRATE, "web1", has_changed=True)
    fleet.lost.clear()

    assert not book(fleet, "r2").may_run(MIGRATE, "web1")


def test_one_may_ask_for_a_repetition(fleet: ModuleFleet) -> None:
    """The database came from a backup."""
    first = book(fleet, "r1")
    first.ended(MIGRATE, "web1", has_changed=True)
    fleet.variables["deploy_repeat"] = "true"

    assert book(fleet, "r2").may_run(MIGRATE, "web1")


@pytest.mark.parametrize(
    ("record", "content"),
    [
        ({"commit": COMMIT, "source_digest": "s", "digest": "d"}, COMMIT),
        ({"commit": "r1", "source_digest": "s", "digest": "d"}, "s"),
        ({"commit": "r1", "digest": "d"}, "d"),
        ({}, "r1"),
    ],
)
def test_code_is_named_by_what_says_most(record: dict[str, object], content: str) -> None:
    """Without a commit the source counts; a name is the last resort and never skips too much."""
    seen = HostReleases("web1", releases=({"name": "r1", **record},))

    assert content_of(seen, "r1") == content
