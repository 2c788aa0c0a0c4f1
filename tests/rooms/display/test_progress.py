"""Where a run stands."""

from __future__ import annotations

from herder.display.progress import RunProgress
from herder.events import (
    HostTaskFinished,
    HostTaskStarted,
    Outcome,
    PlayStarted,
    TaskLabel,
    TaskRetried,
    TaskStarted,
)

HOSTS = ("web1", "web2", "web3")
FIRST = TaskLabel("1", "First", "command")
SECOND = TaskLabel("2", "Second", "command")


def begun(*hosts: str) -> RunProgress:
    progress = RunProgress(0.0)
    progress.feed(PlayStarted("Web", HOSTS), 0.0)
    progress.feed(TaskStarted(FIRST), 1.0)
    for second, host in enumerate(hosts, 1):
        progress.feed(HostTaskStarted(host, FIRST), float(second))
    return progress


def test_a_task_is_counted_over_all_hosts() -> None:
    """Done, running and not begun add up to the hosts of the play."""
    progress = begun("web1", "web2")

    progress.feed(HostTaskFinished("web1", FIRST, Outcome.CHANGED, 1.0, {}), 2.0)

    tally = progress.current_task()
    assert tally is not None
    assert (tally.done, tally.running, tally.waiting) == (1, 1, 1)
    assert progress.changed_hosts == {"web1"}


def test_a_task_that_runs_once_waits_for_nobody_else() -> None:
    """A migration on one host of 300 is not '0 of 300 done'."""
    progress = RunProgress(0.0)
    once = TaskLabel("1", "Migrate", "command", run_once=True)
    progress.feed(PlayStarted("Web", HOSTS), 0.0)

    progress.feed(HostTaskStarted("web1", once), 0.0)

    tally = progress.current_task()
    assert tally is not None
    assert (tally.running, tally.waiting) == (1, 0)


def test_the_current_task_is_the_one_most_hosts_are_at() -> None:
    """Under the free strategy hosts are at several tasks."""
    progress = begun("web1", "web2", "web3")
    progress.feed(HostTaskFinished("web1", FIRST, Outcome.OK, 1.0, {}), 4.0)

    progress.feed(HostTaskStarted("web1", SECOND), 4.0)

    tally = progress.current_task()
    assert tally is not None
    assert tally.task == FIRST
    assert progress.tasks_in_progress() == 2


def test_those_who_run_longest_come_first_with_their_attempt() -> None:
    """This is whom everybody waits for."""
    progress = begun("web2", "web1")

    progress.feed(TaskRetried("web1", FIRST, 1, 4), 5.0)

    assert [(each.host, each.since) for each in progress.slowest()] == [("web2", 1), ("web1", 2)]
    assert progress.slowest()[1].note == "attempt 1 failed, 4 left"


def test_a_rescued_host_is_not_lost() -> None:
    """A host that goes on after its failure did not fail the run."""
    progress = begun("web1")
    progress.feed(HostTaskFinished("web1", FIRST, Outcome.FAILED, 1.0, {}), 2.0)
    lost = set(progress.lost_hosts)

    progress.feed(HostTaskStarted("web1", SECOND), 3.0)

    assert lost == {"web1"}
    assert progress.lost_hosts == set()
