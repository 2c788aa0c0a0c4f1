"""Deployments on real servers: what goes wrong elsewhere (a fleet in two states) goes right."""

from __future__ import annotations

import pytest

from herder.lab import faults
from herder.lab.machines import Machines
from tests.support.lab_site import HOSTS, LabSite

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]


def test_a_push_in_the_middle_changes_nothing_and_migrations_run_once(served: LabSite) -> None:
    """Three batches, one name, one commit, one migration (acceptance T1, A1, G)."""
    commit = served.push("two")

    served.deploy("r2", push_late=True)

    assert served.current() == ["r2"] * 3
    assert served.look("cat current/REVISION") == [commit] * 3
    assert served.look("cat current/index.html") == ["two"] * 3
    assert served.migrations() == ["r1", "r2"]


def test_gate_that_fails_in_the_last_batch_takes_all_back(served: LabSite) -> None:
    """No fleet in two states, no failed request, and the table says so (acceptance T2, A2)."""
    served.push("two")
    served.refuse("web3", "r2")

    with served.visited() as answers:
        said = served.deploy("r2", code=2, batch=[1, 2])

    assert served.current() == ["r1"] * 3
    assert answers.failures == []
    assert answers.contents == {"one", "two"}
    assert said.count("taken back") == 3, said
    assert served.migrations() == ["r1", "r2"]
    for host in HOSTS:
        line = served.log(host)[-1]
        assert (line["release"], line["result"]) == ("r2", "taken back")


def test_on_failure_stop_leaves_what_switched(served: LabSite) -> None:
    """As Ansistrano does, for those who ask for it."""
    served.refuse("web2", "r2")

    served.deploy("r2", code=2, deploy_on_failure="stop")

    assert served.current() == ["r2", "r2", "r1"]


def test_a_host_that_does_not_answer_stops_all_before(served: LabSite, cable: Machines) -> None:
    """Elsewhere the others switch, and the migration is left out (acceptance T3)."""
    faults.cut_network(cable, "web3")

    said = served.deploy("r2", "-T", "4", code=2)

    faults.restore_network(cable, "web3")
    assert "web3  unreachable" in said
    assert served.current() == ["r1"] * 3
    assert served.migrations() == ["r1"]


def test_a_host_without_room_stops_all_before(served: LabSite) -> None:
    """The third host's full disk must not be found out when two have switched."""
    (served.plays.folder / "host_vars").mkdir()
    (served.plays.folder / "host_vars" / "web3.yml").write_text(f"deploy_need_bytes: {1 << 60}\n")

    said = served.deploy("r2", code=2)

    assert "nothing was changed" in said
    assert "\n  web3  " in said
    assert "\n  web1  " not in said
    assert served.look("ls releases") == ["r1"] * 3


@pytest.mark.parametrize("limit", ["max_fail_percentage: 0", ""])
def test_what_failed_once_for_all_is_told_for_each_host(served: LabSite, limit: str) -> None:
    """A mistyped branch: only the host that asked knows why, and all have to say it."""
    playbook = served.plays.folder / "deploy.yml"
    playbook.write_text(playbook.read_text().replace("max_fail_percentage: 0", limit))

    said = served.deploy("r2", code=2, ansistrano_git_branch="nowhere")

    rows = [line for line in said.splitlines() if line.startswith("! web")]
    assert len(rows) == 3, said
    assert all("has no branch, tag or commit 'nowhere'" in row for row in rows), said
    assert not any("Fail with the cause" in row for row in rows), said
    assert "(on web1)" in rows[1]
    assert served.current() == ["r1"] * 3


def test_hosts_that_staged_different_files_do_not_switch(served: LabSite) -> None:
    """One release name must mean one content; the odd host's file is named."""
    hook = served.plays.folder / "edit.yml"
    hook.write_text(
        "- shell: echo odd >> {{ deploy_release_path }}/index.html\n"
        "  when: inventory_hostname == 'web2'\n"
    )

    said = served.deploy("r2", code=2, deploy_before_symlink_tasks_file=str(hook))

    assert "differs from web1: index.html" in said
    assert served.current() == ["r1"] * 3
    assert served.look("ls releases") == ["r1"] * 3


def test_what_a_hook_notifies_while_staging_is_run_after_the_switch(site: LabSite) -> None:
    """A restart before it would bring up the old release, and nothing the new one.

    Nor the old one on the way back.
    """
    restart = f"basename $(readlink {site.root}/current) none >> {site.root}.restarts"
    handlers = f"  handlers: [{{name: restart, shell: {restart}}}]\n"
    playbook = site.plays.folder / "deploy.yml"
    playbook.write_text(playbook.read_text() + handlers)
    hook = site.plays.folder / "configure.yml"
    hook.write_text("- shell: echo new > {{ deploy_release_path }}/settings\n  notify: restart\n")

    site.deploy("r1", deploy_before_symlink_tasks_file=str(hook))
    site.refuse("web3", "r2")
    site.deploy("r2", code=2, deploy_before_symlink_tasks_file=str(hook))

    told = site.look(f"tr '\\n' ' ' < {site.root}.restarts")
    assert told == ["r1 r2 r1"] * 3


def test_rollback_goes_where_all_can_go_or_nowhere(served: LabSite) -> None:
    """Twice, by name, and when one host lacks it (acceptance A3, B2, B3)."""
    served.deploy("r2")
    served.run(command="rollback")
    assert served.current() == ["r1"] * 3

    again = served.run(command="rollback", code=2)
    assert "nothing was changed" in again.stderr + again.stdout

    served.deploy("r3")
    served.plays.inside("web2", f"rm -r {served.root}/releases/r1")
    lacking = served.run("--to", "r1", command="rollback", code=2)
    assert "web2  serves r3" in lacking.stderr + lacking.stdout
    assert served.current() == ["r3"] * 3


def test_check_and_plan_change_nothing(served: LabSite) -> None:
    """They must not fail either, on a live host and on a fresh one (acceptance K)."""
    served.push("two")
    before = served.look("find . -path ./.herder -prune -o -print | sort | md5sum")

    plan = served.run("--plan")
    fresh = served.run("--check", ansistrano_deploy_to=f"{served.root}-fresh")

    assert served.look("find . -path ./.herder -prune -o -print | sort | md5sum") == before
    assert all(host in plan.stdout for host in HOSTS)
    assert "would serve" in fresh.stdout
    assert served.plays.inside("web1", f"ls {served.root}-fresh 2>&1").count("No such file") == 1


def test_old_releases_and_leftovers_go_and_the_log_stays(served: LabSite) -> None:
    """A crashed deployment's temporary link must not lead anyone astray (acceptance S1)."""
    served.plays.inside("web1", f"ln -s {served.root}/releases/r1 {served.root}/releases/current")

    for release in ("r2", "r3", "r4"):
        served.deploy(release, "--message", "round and round", deploy_keep_releases=2)

    assert served.current() == ["r4"] * 3
    assert served.look("ls -d releases/r*") == ["releases/r3\nreleases/r4"] * 3
    for host in HOSTS:
        lines = [line for line in served.log(host) if line["event"] == "deployment"]
        assert [line["release"] for line in lines] == ["r1", "r2", "r3", "r4"]
        assert {line["result"] for line in lines} == {"ok"}
        assert lines[-1]["message"] == "round and round"


def test_releases_shows_who_runs_what_and_what_was_edited(served: LabSite) -> None:
    """A file changed by hand is found when somebody asks, not when it is missed."""
    served.plays.inside("web2", f"echo more >> {served.root}/releases/r1/index.html")

    table = served.run(command="releases").stdout

    rows = {line.split()[-8 if "*" in line else 0]: line for line in table.splitlines()[2:]}
    assert len(rows) == 3
    assert [("edited by hand" in table.splitlines()[n]) for n in (2, 3, 4)] == [False, True, False]
