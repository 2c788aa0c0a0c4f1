"""What runs once for all hosts runs once for one code, whoever deploys it and however often."""

from __future__ import annotations

import pytest

from herder.lab import faults
from herder.lab.machines import Machines
from tests.support.lab_site import ANSISTRANO_ROLE, HERDER_ROLE, LabSite

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

both_roles = pytest.mark.parametrize(
    "role",
    [
        pytest.param(HERDER_ROLE, id="herder"),
        pytest.param(str(ANSISTRANO_ROLE), id="ansistrano", marks=pytest.mark.slow),
    ],
)


@both_roles
def test_a_rerun_after_a_failed_gate_does_not_migrate_again(served: LabSite) -> None:
    """The database has it already, though no host serves the code yet."""
    served.push("two")
    served.refuse("web3", "r2")
    failed = served.deploy("r2", code=2)

    again = served.deploy("r3")

    assert "what ran once stays done: 'Migrate' on web1" in _flat(failed)
    assert "is not repeated" in _flat(again)
    assert served.current() == ["r3"] * 3
    assert served.migrations() == ["r1", "r2"]


@pytest.mark.slow
@both_roles
def test_a_migration_that_failed_runs_again(served: LabSite) -> None:
    """Only what was done is done."""
    served.push("two")
    served.fail_migrations(is_failing=True)
    served.deploy("r2", code=2)
    served.fail_migrations(is_failing=False)

    served.deploy("r3")

    assert served.migrations() == ["r1", "r3"]


@pytest.mark.slow
def test_two_deployers_of_one_commit_migrate_once(served: LabSite) -> None:
    """Both were started at once; the second waits, and finds the database up to date."""
    served.push("two")
    processes = [served.start("--release", name, "--wait", "200") for name in ("r2", "r3")]

    done = [served.plays.done(process, 280) for process in processes]

    assert [each.returncode for each in done] == [0, 0], [each.stdout for each in done]
    assert len(served.migrations()) == 2
    assert len(set(served.current())) == 1


@pytest.mark.slow
def test_another_host_migrates_when_the_first_is_down(served: LabSite, cable: Machines) -> None:
    """And the first, when it is back, does not do it again."""
    served.push("two")
    faults.cut_network(cable, "web3")
    refused = served.deploy("r2", "-T", "4", code=2, order="reverse_inventory")
    served.deploy("r2", "-l", "!web3", order="reverse_inventory")
    faults.restore_network(cable, "web3")

    served.deploy("r3", order="reverse_inventory")

    assert "web3  unreachable" in refused
    assert served.plays.inside("web2", f"cat {served.root}.migrations") == "r2\n"
    assert served.migrations() == ["r1", "r2"]
    assert served.current() == ["r3"] * 3


@pytest.mark.slow
def test_a_migration_cut_off_is_told_of_and_runs_again(served: LabSite) -> None:
    """Nobody knows how far it came; that must not be hidden."""
    served.push("two")
    process = served.start("--release", "r2", migrate_seconds=100)
    begun = f"grep -q begun {served.root}/.herder/once.json"
    assert served.plays.wait_until("web2", begun, seconds=200)
    process.kill()
    process.communicate()

    said = served.deploy("r3", "--wait", "200")

    assert "its end is not known" in _flat(said)
    assert served.migrations() == ["r1", "r3"]


@pytest.mark.slow
def test_a_migration_is_repeated_for_who_asks_for_it(served: LabSite) -> None:
    """A database that came from a backup lacks what the record says it has."""
    served.deploy("r2")
    served.deploy("r3", deploy_repeat=True)

    assert served.migrations() == ["r1", "r3"]


@pytest.mark.slow
def test_a_hook_undoes_what_ran_once_when_all_are_back(served: LabSite) -> None:
    """While one host still serves the new code, its tables must stay."""
    hook = served.plays.folder / "undo.yml"
    hook.write_text(
        "- shell: echo undone {{ ansistrano_release_version }} >> {{ deploy_to }}.migrations\n"
        "  run_once: true\n"
    )
    served.push("two")
    served.refuse("web3", "r2")

    said = served.deploy("r2", code=2, deploy_undo_tasks_file=str(hook))

    assert "undo.yml) is to undo it" in _flat(said)
    assert served.current() == ["r1"] * 3
    assert served.migrations() == ["r1", "r2", "undone", "r1"]
    served.deploy("r3")
    assert served.migrations() == ["r1", "r2", "undone", "r1", "r3"]


def _flat(text: str) -> str:
    """Give a text without the line breaks of a terminal's width."""
    return " ".join(text.split())
