"""Which event makes which paragraph, and when."""

from __future__ import annotations

from herder.display.paragraphs import (
    DiffShown,
    FailureRepeated,
    FailureShown,
    HostGroup,
    MessageLine,
    Paragraph,
    PlayHeading,
    QuietTasks,
    ResultShown,
    TaskChanged,
)
from herder.display.result_fields import Field
from herder.display.task_log import QUIET_SECONDS, TaskLog
from herder.events import (
    Event,
    Facts,
    FileDiffed,
    HostTaskFinished,
    HostTaskStarted,
    ItemFinished,
    MessageKind,
    MessageShown,
    Outcome,
    PlaybookFinished,
    PlayStarted,
    TaskLabel,
    TaskStarted,
)

HOSTS = ("web1", "web2", "web3")
FIRST = TaskLabel("1", "First", "command", "site.yml:3")
SECOND = TaskLabel("2", "Second", "command")
DEBUG = TaskLabel("3", "Say it", "debug")


def ended(host: str, outcome: Outcome, task: TaskLabel = FIRST, **result: object) -> Event:
    return HostTaskFinished(host, task, outcome, 1.0, result)


def feed_all(log: TaskLog, events: list[Event]) -> list[Paragraph]:
    return [paragraph for event in events for paragraph in log.feed(event, 1.0)]


def started(*, verbosity: int = 0, task: TaskLabel = FIRST) -> TaskLog:
    log = TaskLog(verbosity)
    feed_all(log, [PlayStarted("Web", HOSTS), TaskStarted(task)])
    feed_all(log, [HostTaskStarted(host, task) for host in HOSTS])
    return log


def test_equal_changes_are_one_paragraph_when_the_last_host_reports() -> None:
    """300 hosts that did the same are one line, at once when the task is over."""
    log = started()

    first = feed_all(log, [ended("web2", Outcome.CHANGED), ended("web3", Outcome.OK)])
    last = feed_all(log, [ended("web1", Outcome.CHANGED)])

    assert first == []
    assert last == [TaskChanged(FIRST, (HostGroup(("web1", "web2")),), 0.0)]


def test_hosts_that_changed_other_items_stand_apart() -> None:
    """Which loop items changed is part of what changed."""
    log = started()

    said = feed_all(
        log,
        [
            ItemFinished("web1", FIRST, "nginx", Outcome.CHANGED, {}),
            ItemFinished("web2", FIRST, "nginx", Outcome.OK, {}),
            ItemFinished("web2", FIRST, "curl", Outcome.CHANGED, {}),
            ended("web1", Outcome.CHANGED),
            ended("web2", Outcome.CHANGED),
            ended("web3", Outcome.OK),
        ],
    )

    assert said == [
        TaskChanged(FIRST, (HostGroup(("web1",), ("nginx",)), HostGroup(("web2",), ("curl",))), 0.0)
    ]


def test_a_failure_is_said_at_once_and_its_like_at_the_end() -> None:
    """Nobody should wait for the slowest host to read why the first one failed."""
    log = started()
    result: Facts = {"msg": "no such host web1"}  # the name of the host itself may differ

    first = log.feed(HostTaskFinished("web1", FIRST, Outcome.FAILED, 1.0, result), 1.0)
    other: Facts = {"msg": "no such host web2"}
    second = log.feed(HostTaskFinished("web2", FIRST, Outcome.FAILED, 1.0, other), 1.0)
    last = feed_all(log, [ended("web3", Outcome.OK)])

    shown = FailureShown(
        FIRST, Outcome.FAILED, "web1", "", (Field("msg", "no such host web1"),), ""
    )
    assert first == [shown]
    assert second == []
    assert last == [FailureRepeated(FIRST, Outcome.FAILED, "web1", ("web2",))]


def test_a_failed_item_is_not_said_again_by_its_loop() -> None:
    """The result of the whole loop only says that one or more items failed."""
    log = started()

    said = feed_all(
        log,
        [
            ItemFinished("web1", FIRST, "a", Outcome.FAILED, {"msg": "broken"}),
            ended("web1", Outcome.FAILED, msg="One or more items failed"),
        ],
    )

    assert [type(each) for each in said] == [FailureShown]


def test_a_delegated_failure_names_both_hosts() -> None:
    """The host in the inventory is not the one to look at."""
    result = {"_ansible_delegated_vars": {"ansible_delegated_host": "lb1"}, "msg": "no"}

    (said,) = feed_all(started(), [HostTaskFinished("web1", FIRST, Outcome.FAILED, 1.0, result)])

    assert isinstance(said, FailureShown)
    assert said.host == "web1 -> lb1"


def test_quiet_tasks_are_counted_until_something_is_said() -> None:
    """A second run of 60 tasks that change nothing is one line, not 60."""
    log = started()

    quiet = feed_all(log, [ended(host, Outcome.OK) for host in HOSTS])
    quiet += feed_all(log, [ended(host, Outcome.SKIPPED, SECOND) for host in HOSTS])
    said = feed_all(log, [MessageShown(MessageKind.NOTE, "look")])

    assert quiet == []
    assert said == [QuietTasks(1, 1, 0.0), MessageLine(MessageKind.NOTE, "look")]


def test_a_single_quiet_task_keeps_its_name() -> None:
    """One line for one task should say which."""
    log = started()
    feed_all(log, [ended(host, Outcome.OK) for host in HOSTS])

    assert log.finish() == [QuietTasks(1, 0, 0.0, "First")]


def test_the_next_task_closes_the_one_before_when_nobody_runs() -> None:
    """Some hosts of a play may never run a task: nobody can wait for them."""
    log = TaskLog()
    feed_all(log, [PlayStarted("Web", HOSTS), HostTaskStarted("web1", FIRST)])
    feed_all(log, [ended("web1", Outcome.CHANGED)])

    said = feed_all(log, [TaskStarted(SECOND)])

    assert [type(each) for each in said] == [TaskChanged]


def test_a_task_of_a_free_play_is_closed_after_a_while() -> None:
    """Hosts at their own pace give one line a task, not one a host, and none that never comes."""
    log = TaskLog()
    feed_all(log, [PlayStarted("Web", HOSTS), HostTaskStarted("web2", SECOND)])
    feed_all(log, [HostTaskStarted("web1", FIRST), ended("web1", Outcome.CHANGED)])

    before = feed_all(log, [TaskStarted(SECOND)]) + log.settle(1.0)
    after = log.settle(1.0 + QUIET_SECONDS)

    assert before == []
    assert [type(each) for each in after] == [TaskChanged]


def test_the_end_says_everything_that_was_held_back() -> None:
    """Ctrl-C in the middle of a task must not hide what was changed."""
    log = started()
    feed_all(log, [FileDiffed("web1", FIRST, "+new"), ended("web1", Outcome.CHANGED)])

    said = feed_all(log, [PlaybookFinished(())])

    assert [type(each) for each in said] == [TaskChanged, DiffShown]
    assert log.finish() == []


def test_debug_messages_are_shown_without_being_verbose() -> None:
    """A debug task was written to be read."""
    log = started(task=DEBUG)

    said = feed_all(log, [ended(host, Outcome.OK, DEBUG, msg="hello") for host in HOSTS])

    assert said == [ResultShown(DEBUG, Outcome.OK, HOSTS, (Field("", "hello"),), 0.0)]


def test_verbose_shows_results_that_are_ok() -> None:
    """-v is how one asks what a command printed."""
    log = started(verbosity=1)

    said = feed_all(log, [ended(host, Outcome.OK, stdout="up") for host in HOSTS])

    assert said == [ResultShown(FIRST, Outcome.OK, HOSTS, (Field("stdout", "up"),), 0.0)]


def test_a_warning_is_said_once_however_it_comes() -> None:
    """ansible-core has a warning in each host's result and may show it by itself, too."""
    log = started()

    said = feed_all(
        log,
        [
            ended("web1", Outcome.OK, warnings=["old syntax"], deprecations=[{"msg": "gone soon"}]),
            ended("web2", Outcome.OK, warnings=["old syntax"]),
            MessageShown(MessageKind.WARNING, "old syntax\n"),
        ],
    )

    assert said == [
        MessageLine(MessageKind.WARNING, "old syntax", ("web1",)),
        MessageLine(MessageKind.DEPRECATION, "gone soon", ("web1",)),
    ]


def test_a_warning_that_differs_in_its_host_only_is_said_once() -> None:
    """Of sixty hosts that discover the same interpreter one is enough: it filled ten screens."""
    warnings = [f"Host '{host}' is using python3.11" for host in ("web1", "web2")]

    said = feed_all(
        started(),
        [
            ended("web1", Outcome.OK, warnings=[warnings[0]]),
            ended("web2", Outcome.OK, warnings=[warnings[1]]),
            ended("web3", Outcome.OK, warnings=["Host 'web3' is using python3.8"]),
        ],
    )

    assert [each for each in said if isinstance(each, MessageLine)] == [
        MessageLine(MessageKind.WARNING, warnings[0], ("web1",)),
        MessageLine(MessageKind.WARNING, "Host 'web3' is using python3.8", ("web3",)),
    ]


def test_a_batch_has_its_own_heading() -> None:
    """In a rolling play the reader must see which hosts are at it."""
    said = feed_all(TaskLog(), [PlayStarted("Web", ("web10", "web9"), batch=2, batches=3)])

    assert said == [PlayHeading("Web", ("web9", "web10"), batch=2, batches=3)]


def test_an_action_may_ask_for_its_result_to_be_read() -> None:
    """Action plugins other than debug do so; a passed assert only ever says that it passed."""
    passed = TaskLabel("9", "Check", "ansible.builtin.assert")
    asking: Facts = {"_ansible_verbose_always": True, "msg": "read me"}

    shown = feed_all(
        started(), [HostTaskFinished(host, FIRST, Outcome.OK, 1.0, asking) for host in HOSTS]
    )
    quiet = feed_all(
        started(task=passed),
        [HostTaskFinished(host, passed, Outcome.OK, 1.0, asking) for host in HOSTS],
    )

    assert [type(each) for each in shown] == [ResultShown]
    assert quiet == []
