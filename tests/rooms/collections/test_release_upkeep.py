"""Looking after releases: what is removed, what one may go back to, what was edited."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.herder.deploy.plugins.module_utils import release_layout, release_log
from ansible_collections.herder.deploy.plugins.module_utils import release_lease as leases
from ansible_collections.herder.deploy.plugins.module_utils import release_record as records
from ansible_collections.herder.deploy.plugins.module_utils import release_staging as staging
from ansible_collections.herder.deploy.plugins.module_utils import release_switch as switches
from ansible_collections.herder.deploy.plugins.module_utils import release_upkeep as upkeep
from ansible_collections.herder.deploy.plugins.module_utils.release_layout import (
    DeployError,
    Layout,
    locked,
)


@pytest.fixture
def layout(tmp_path: Path) -> Any:
    """Give a host where a, b, c, d and e served one after the other; e does still."""
    place = Layout(str(tmp_path / "site"))
    os.makedirs(place.releases)
    for name in "abcde":
        build(place, name)
        switches.switch(place, name, None, {})
    return place


def build(layout: Any, name: str, *, is_finished: bool = True) -> None:
    """Build a release with one file in it; or leave it half built."""
    order = {"release": name, "deploy_to": layout.root, "token": None, "via": "git"}
    staging.carry_out(layout, dict(order, steps=["begin"]), is_check=False)
    os.mkdir(layout.release(name))
    Path(layout.release(name), "file").write_text(name)
    if is_finished:
        staging.carry_out(layout, dict(order, steps=["seal"]), is_check=False)


def names(layout: Any) -> list[str]:
    """List the directories of releases."""
    return sorted(os.listdir(layout.releases))


def test_release_whose_switch_nobody_confirmed_is_no_target(layout: Any) -> None:
    """Its deployment was killed before its gates: it must not be gone back to from the next one."""
    build(layout, "f")
    build(layout, "g")
    switches.switch(layout, "f", None, {"guard_seconds": 600})
    switches.switch(layout, "g", None, {"guard_seconds": 600})

    assert upkeep.tell(layout, "none", 0)["rollback_targets"] == ["e", "d", "c", "b", "a"]


def test_release_of_another_role_is_a_target_without_a_note_that_it_served(layout: Any) -> None:
    """Ansistrano changes the link itself."""
    build(layout, "f")
    build(layout, "g")
    records.amend(layout, "f", via="none")
    switches.switch(layout, "g", None, {})

    assert "f" in upkeep.tell(layout, "none", 0)["rollback_targets"]


def test_clean_up_keeps_the_newest(layout: Any) -> None:
    """And tells what it removed and why."""
    told = upkeep.clean_up(layout, 3, None, is_check=False)

    assert names(layout) == ["c", "d", "e"]
    assert told["removed"] == {"a": "more than 3", "b": "more than 3"}
    assert os.listdir(layout.trash) == []


def test_clean_up_does_not_count_what_was_overtaken_before_it_served(layout: Any) -> None:
    """What a killed deployment left must not push out a release that one can go back to."""
    build(layout, "f")
    build(layout, "g")
    switches.switch(layout, "g", None, {})

    told = upkeep.clean_up(layout, 3, None, is_check=False)

    assert names(layout) == ["d", "e", "g"]
    assert told["removed"]["f"] == "never served"


def test_clean_up_leaves_what_is_staged_for_later(layout: Any) -> None:
    """Nothing has served since: its switch may come."""
    build(layout, "f")

    upkeep.clean_up(layout, 3, None, is_check=False)

    assert "f" in names(layout)


def test_keeping_none_by_zero_means_keeping_all(layout: Any) -> None:
    """As Ansistrano has it."""
    upkeep.clean_up(layout, 0, None, is_check=False)

    assert names(layout) == list("abcde")


def test_clean_up_never_removes_what_serves_or_served_before(layout: Any) -> None:
    """After a rollback to an old one, the newest are not what visitors are on."""
    switches.switch(layout, "a", None, {})

    upkeep.clean_up(layout, 1, None, is_check=False)

    assert names(layout) == ["a", "e"]


@pytest.fixture
def stubborn(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give what makes files stay: an application's own, which its user wrote into a release."""

    def protect(name: str) -> None:
        remove = os.unlink

        def unlink(path: Any, *words: Any, **more: Any) -> None:
            if os.path.basename(path) == name:
                raise PermissionError(13, "Permission denied", path)
            remove(path, *words, **more)

        monkeypatch.setattr(os, "unlink", unlink)
        monkeypatch.setattr(release_layout, "REMOVE_TRIES", 1)

    return protect


def test_files_of_another_user_fail_no_clean_up(layout: Any, stubborn: Any) -> None:
    """They are out of the way in the trash; a deployment is not taken back for them."""
    Path(layout.release("a"), "cache").write_text("the application's")
    stubborn("cache")

    told = upkeep.clean_up(layout, 3, None, is_check=False)
    again = upkeep.clean_up(layout, 3, None, is_check=False)

    assert names(layout) == ["c", "d", "e"]
    for each in (told, again):
        (warning,) = each["warnings"]
        assert layout.trash in warning


def test_lock_is_free_while_a_large_release_is_removed(
    layout: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That takes minutes on a slow disk; the lease is renewed under the same lock."""
    remove, seen = release_layout.shutil.rmtree, []

    def rmtree(path: str, **words: Any) -> None:
        seen.append(release_layout.is_locked(layout.lock))
        remove(path, **words)

    monkeypatch.setattr(release_layout.shutil, "rmtree", rmtree)

    told = upkeep.clean_up(layout, 3, None, is_check=False)

    assert sorted(told["removed"]) == ["a", "b"]
    assert seen == [False, False]
    assert os.listdir(layout.trash) == []


def test_files_of_another_user_in_the_trash_stop_no_later_deployment(
    layout: Any, stubborn: Any
) -> None:
    """Nor a rollback: both begin by emptying the trash."""
    Path(layout.release("a"), "cache").write_text("the application's")
    stubborn("cache")
    upkeep.clean_up(layout, 3, None, is_check=False)

    order = {"release": "f", "deploy_to": layout.root, "token": None, "steps": ["setup"]}
    assert staging.carry_out(layout, order, is_check=False)["release"] == "f"


def test_release_that_cannot_be_moved_away_is_no_target_any_more(
    layout: Any, stubborn: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of it may be gone."""
    Path(layout.release("a"), "cache").write_text("the application's")
    stubborn("cache")
    move = os.rename

    def rename(old: str, new: str) -> None:
        if old == layout.release("a"):
            raise PermissionError(13, "Permission denied", old)
        move(old, new)

    monkeypatch.setattr(os, "rename", rename)

    told = upkeep.clean_up(layout, 3, None, is_check=False)

    assert "b" in told["removed"]
    assert "a" not in told["removed"]
    assert layout.release("a") in told["warnings"][0]
    assert records.state_of(layout, "a") == "failed"


def test_rejected_release_goes_although_it_served_before(layout: Any) -> None:
    """Rolling back may ask for the removal of what it leaves."""
    switches.switch(layout, "d", None, {})
    records.fail(layout, "e", "rolled back", 1.0)

    upkeep.clean_up(layout, 0, None, is_check=False)

    assert names(layout) == ["a", "b", "c", "d"]


def test_half_built_and_failed_releases_go_and_never_count(layout: Any) -> None:
    """Capistrano counts them, and then deletes good ones instead."""
    build(layout, "half", is_finished=False)
    records.fail(layout, "c", "taken back", 1.0)

    upkeep.clean_up(layout, 3, None, is_check=False)

    assert names(layout) == ["b", "d", "e"]


def test_release_of_a_live_lease_stays_and_that_of_a_dead_one_goes(layout: Any) -> None:
    """Another deployment may be between two steps of it."""
    build(layout, "half", is_finished=False)
    wish = {"owner": "o", "release": "half"}
    now = leases.this_moment()
    token = leases.acquire(layout, wish, 60.0, now)[1]["token"]

    upkeep.clean_up(layout, 0, token, is_check=False)
    assert "half" in names(layout)

    leases.release(layout, token)
    upkeep.clean_up(layout, 0, None, is_check=False)
    assert "half" not in names(layout)


def test_release_whose_builder_is_alive_stays(layout: Any) -> None:
    """The marker's lock is held by the building process, lease or not."""
    build(layout, "half", is_finished=False)

    with locked(layout.marker("half")):
        upkeep.clean_up(layout, 0, None, is_check=False)

    assert "half" in names(layout)


def test_check_mode_of_clean_up_removes_nothing(layout: Any) -> None:
    """But names what it would."""
    told = upkeep.clean_up(layout, 2, None, is_check=True)

    assert sorted(told["removed"]) == ["a", "b", "c"]
    assert names(layout) == list("abcde")


def test_rolling_back_twice_goes_two_back(layout: Any) -> None:
    """Ansistrano's second rollback is a silent no-op (row B2)."""
    for expected in ("d", "c"):
        switches.switch(layout, upkeep.pick_target(layout, ""), None, {})
        assert layout.current_name() == expected


def test_release_that_was_rolled_back_from_is_no_target_of_a_later_one(layout: Any) -> None:
    """It was left because it was bad: one goes back to what served before the later one."""
    switches.switch(layout, "d", None, {})
    build(layout, "f")
    switches.switch(layout, "f", None, {})

    assert upkeep.pick_target(layout, "") == "d"
    assert upkeep.pick_target(layout, "e") == "e"


def test_release_that_never_served_is_no_target(layout: Any) -> None:
    """Its deployment was killed when it was staged; the same code was deployed again later."""
    build(layout, "f")
    build(layout, "g")
    switches.switch(layout, "g", None, {})

    assert upkeep.pick_target(layout, "") == "e"
    assert upkeep.pick_target(layout, "f") == "f"


def test_release_that_another_tool_switched_to_is_a_target(layout: Any) -> None:
    """The Ansistrano role makes the link itself; it is seen when the next deployment begins."""
    build(layout, "f")
    os.unlink(layout.current)
    os.symlink("releases/f", layout.current)
    order = {"release": "g", "deploy_to": layout.root, "token": None, "steps": ["setup"]}
    staging.carry_out(layout, order, is_check=False)
    build(layout, "g")
    os.unlink(layout.current)
    os.symlink("releases/g", layout.current)

    assert upkeep.pick_target(layout, "") == "f"


def test_release_that_serves_again_after_a_rollback_is_a_target_again(layout: Any) -> None:
    """Somebody asked for it by name, and a newer one followed it."""
    switches.switch(layout, "d", None, {})
    switches.switch(layout, "e", None, {})
    build(layout, "f")
    switches.switch(layout, "f", None, {})

    assert upkeep.pick_target(layout, "") == "e"


def test_rolling_to_the_newest_by_name_keeps_it(layout: Any) -> None:
    """Ansistrano links to it and then deletes it (row B3)."""
    switches.switch(layout, "d", None, {})

    switches.switch(layout, upkeep.pick_target(layout, "e"), None, {})
    upkeep.clean_up(layout, 1, None, is_check=False)

    assert layout.current_name() == "e"
    assert Path(layout.current, "file").read_text() == "e"


def test_interrupted_release_is_never_gone_back_to(layout: Any) -> None:
    """Ansistrano puts the live site on it (row D)."""
    build(layout, "half", is_finished=False)
    build(layout, "f")
    switches.switch(layout, "f", None, {})

    assert upkeep.pick_target(layout, "") == "e"
    with pytest.raises(DeployError, match="unfinished"):
        upkeep.pick_target(layout, "half")


def test_interrupted_deployment_then_rollback_really_goes_back(layout: Any) -> None:
    """Ansistrano removes the half-built one and leaves the live code (row C)."""
    build(layout, "half", is_finished=False)

    assert upkeep.pick_target(layout, "") == "d"


def test_release_that_lacks_files_is_no_target(layout: Any) -> None:
    """Somebody removed some of it; going back there would break the site."""
    os.unlink(os.path.join(layout.release("d"), "file"))

    assert upkeep.pick_target(layout, "") == "c"
    with pytest.raises(DeployError, match="lacks 1 of its files"):
        upkeep.pick_target(layout, "d")


def test_nothing_to_go_back_to_is_said(layout: Any) -> None:
    """A rollback that does nothing must not look like one that did."""
    switches.switch(layout, "a", None, {})

    with pytest.raises(DeployError, match="no intact release older than a"):
        upkeep.pick_target(layout, "")


def test_release_of_another_tool_that_served_may_be_gone_back_to(layout: Any) -> None:
    """The first deployment by Herder on Ansistrano's hosts must be reversible."""
    os.mkdir(layout.release("z-old"))
    os.mkdir(layout.release("z-never-served"))
    for name in ("z-old", "z-never-served"):
        os.utime(layout.release(name), (1, 1))
    switches.replace_link(layout, "./releases/z-old")

    switches.switch(layout, "e", None, {})

    targets = upkeep.intact_targets(layout, "e")
    assert "z-old" in targets
    assert "z-never-served" not in targets


@pytest.mark.parametrize("check", ["quick", "full"])
def test_edits_by_hand_are_told_by_file(layout: Any, check: str) -> None:
    """Somebody mended something on one server; the next deployment would lose it."""
    Path(layout.release("e"), "file").write_text("edited")
    Path(layout.release("e"), "new").write_text("x")

    edits = upkeep.hand_edits(layout, "e", check)

    assert (edits["changed"], edits["added"], edits["removed"]) == (["file"], ["new"], [])
    assert upkeep.is_edited(upkeep.hand_edits(layout, "d", check)) is False


def test_whole_picture_marks_current_and_previous(layout: Any) -> None:
    """The table of releases is made of it."""
    release_log.append(layout, {"result": "ok"})

    told = upkeep.tell(layout, "quick", 5)

    assert (told["current"], told["previous"], told["is_dangling"]) == ("e", "d", False)
    assert [each["name"] for each in told["releases"] if each["is_current"]] == ["e"]
    assert told["log"] == [{"result": "ok"}]


def test_picture_of_a_host_that_has_nothing(tmp_path: Path) -> None:
    """A new server in the fleet is no error."""
    told = upkeep.tell(Layout(str(tmp_path / "none")), "full", 5)

    assert (told["exists"], told["current"], told["releases"]) == (False, None, [])


def test_log_survives_a_cut_line(layout: Any) -> None:
    """A full disk or a power cut may cut a line; the others must stay readable."""
    release_log.append(layout, {"result": "one"})
    with open(layout.log, "a") as file:
        file.write('{"result": "cu')
    release_log.append(layout, {"result": "two"})

    assert [line["result"] for line in release_log.read(layout)] == ["one", "two"]


def test_log_gives_as_many_lines_as_are_asked_for(layout: Any) -> None:
    """A rollback asks for none, on a host with years of them."""
    for number in range(5):
        release_log.append(layout, {"number": number})

    told = [[line["number"] for line in release_log.read(layout, limit)] for limit in (0, 2, 9)]

    assert told == [[], [3, 4], [0, 1, 2, 3, 4]]
