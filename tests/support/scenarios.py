"""Made-up runs as timed events, for tests of what people see and of what is kept."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from herder.events import (
    Event,
    Facts,
    FileDiffed,
    HostTaskFinished,
    HostTaskStarted,
    HostTotals,
    ItemFinished,
    MessageKind,
    MessageShown,
    Outcome,
    PlaybookFinished,
    PlaybookStarted,
    PlayStarted,
    TaskLabel,
    TaskRetried,
    TaskStarted,
)

DIFF = """--- before: /etc/nginx/sites-available/mootube.conf
+++ after: /root/.ansible/tmp/mootube.conf.j2
@@ -4,7 +4,7 @@
     server_name mootube.example;
-    client_max_body_size 1m;
+    client_max_body_size 512m;
     location / {
         proxy_pass http://unix:/run/mootube.sock;
"""

MIGRATION_ERROR: Facts = {
    "msg": "non-zero return code",
    "cmd": ["/srv/mootube/venv/bin/python", "manage.py", "migrate", "--noinput"],
    "rc": 1,
    "stdout": "Operations to perform:\n  Apply all migrations: admin, auth, videos\n",
    "stderr": "\n".join(
        [
            "Traceback (most recent call last):",
            *(f'  File "/srv/mootube/venv/lib/django/{n}.py", line {n}' for n in range(24)),
            'django.db.utils.OperationalError: connection to server at "10.0.0.9", port 5432 '
            "failed: Connection refused",
        ]
    ),
    "changed": True,
    "failed": True,
}

UNREACHABLE: Facts = {
    "msg": "could not connect over ssh: ssh: connect to host 10.0.0.17 port 22: "
    "Connection timed out",
    "unreachable": True,
    "changed": False,
}


@dataclass(frozen=True, slots=True)
class Step:
    """One task of a made-up play: how it ends on each host, and how long it takes."""

    name: str
    action: str = "ansible.builtin.command"
    seconds: float = 0.5
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    usual: Outcome = Outcome.OK
    results: Mapping[str, Facts] = field(default_factory=dict)
    result: Facts = field(default_factory=dict)
    items: tuple[str, ...] = ()
    diff: str = ""
    retries: int = 0
    slow: Mapping[str, float] = field(default_factory=dict)
    run_once: bool = False


@dataclass(frozen=True, slots=True)
class Timed:
    """An event and the second of the run at which it happens."""

    second: float
    event: Event


def hosts_named(prefix: str, count: int) -> tuple[str, ...]:
    return tuple(f"{prefix}{number}" for number in range(1, count + 1))


def linear_play(
    name: str, hosts: tuple[str, ...], steps: tuple[Step, ...], *, start: float = 0.0
) -> Iterator[Timed]:
    """Give a play's events as the linear strategy makes them; failing hosts drop out."""
    chance = random.Random(name)
    alive = list(hosts)
    now = start
    yield Timed(now, PlayStarted(name, hosts))
    for number, step in enumerate(steps, 1):
        label = TaskLabel(
            f"{name}-{number}",
            step.name,
            step.action,
            f"site.yml:{10 * number + 3}",
            run_once=step.run_once,
        )
        timed = list(_step_events(label, step, alive[:1] if step.run_once else alive, now, chance))
        timed.sort(key=lambda each: each.second)
        yield from timed
        now = max((each.second for each in timed), default=now)
        lost = {
            each.event.host
            for each in timed
            if isinstance(each.event, HostTaskFinished)
            and each.event.outcome in (Outcome.FAILED, Outcome.UNREACHABLE)
        }
        alive = [host for host in alive if host not in lost]


def _step_events(
    label: TaskLabel, step: Step, hosts: list[str], now: float, chance: random.Random
) -> Iterator[Timed]:
    yield Timed(now, TaskStarted(label))
    for host in hosts:
        outcome = step.outcomes.get(host, step.usual)
        seconds = step.slow.get(host, step.seconds * chance.uniform(0.8, 1.3))
        result = {
            "changed": outcome is Outcome.CHANGED,
            **step.result,
            **step.results.get(host, {}),
        }
        yield Timed(now, HostTaskStarted(host, label))
        for attempt in range(1, step.retries + 1):
            at = now + seconds * attempt / (step.retries + 1)
            yield Timed(at, TaskRetried(host, label, attempt, step.retries + 1 - attempt))
        for number, item in enumerate(step.items, 1):
            at = now + seconds * number / (len(step.items) + 1)
            yield Timed(at, ItemFinished(host, label, item, outcome, result))
        if step.diff and outcome is Outcome.CHANGED:
            yield Timed(now + seconds, FileDiffed(host, label, step.diff))
        yield Timed(now + seconds, HostTaskFinished(host, label, outcome, seconds, result))


def free_play(
    name: str, hosts: tuple[str, ...], steps: tuple[Step, ...], *, start: float = 0.0
) -> Iterator[Timed]:
    """Give a play's events as the free strategy makes them: each host at its own pace."""
    chance = random.Random(name)
    timed = [Timed(start, PlayStarted(name, hosts, strategy="free"))]
    labels = [
        TaskLabel(f"{name}-{number}", step.name, step.action, f"free.yml:{number}")
        for number, step in enumerate(steps)
    ]
    begun: dict[str, float] = {}
    for host in hosts:
        now = start
        for label, step in zip(labels, steps, strict=True):
            begun[label.id] = min(now, begun.get(label.id, now))
            seconds = step.seconds * chance.uniform(0.3, 2.0)
            result = {"changed": step.usual is Outcome.CHANGED}
            timed.append(Timed(now, HostTaskStarted(host, label)))
            now += seconds
            timed.append(Timed(now, HostTaskFinished(host, label, step.usual, seconds, result)))
    timed += [Timed(begun[label.id], TaskStarted(label)) for label in labels]
    ranks = {PlayStarted: 0, TaskStarted: 1, HostTaskFinished: 2}
    yield from sorted(timed, key=lambda each: (each.second, ranks.get(type(each.event), 3)))


def with_recap(timed: list[Timed], path: str = "site.yml") -> list[Timed]:
    """Give the events with the start of the playbook before them and its recap after them."""
    end = max(each.second for each in timed)
    totals: dict[str, dict[str, int]] = {}
    for each in timed:
        if isinstance(each.event, HostTaskFinished):
            numbers = totals.setdefault(each.event.host, {})
            for word in _counted_as(each.event.outcome):
                numbers[word] = numbers.get(word, 0) + 1
    recap = tuple(HostTotals(host, **numbers) for host, numbers in sorted(totals.items()))
    return [Timed(0.0, PlaybookStarted(path)), *timed, Timed(end, PlaybookFinished(recap))]


def _counted_as(outcome: Outcome) -> tuple[str, ...]:
    if outcome is Outcome.CHANGED:
        return ("ok", "changed")
    if outcome is Outcome.IGNORED:
        return ("ok", "ignored")
    return (outcome.value,)


def small() -> list[Timed]:
    """Give a run on 4 hosts: changes, a diff, a loop, a failure, an unreachable host, retries."""
    web = hosts_named("web", 4)
    changed = Outcome.CHANGED
    lost = {"web4": Outcome.UNREACHABLE}
    steps = (
        Step("Gathering Facts", "ansible.builtin.setup", 0.6, lost, results={"web4": UNREACHABLE}),
        Step("common : Set the time zone", "community.general.timezone", 0.3),
        Step("common : Only on other systems", usual=Outcome.SKIPPED, seconds=0.05),
        Step(
            "nginx : Install packages",
            "ansible.builtin.apt",
            3.0,
            usual=changed,
            slow={"web3": 6.0},
        ),
        Step(
            "nginx : Write the site's configuration",
            "ansible.builtin.template",
            0.4,
            {"web1": changed, "web2": changed},
            diff=DIFF,
        ),
        Step(
            "app : Make the directories of a release",
            "ansible.builtin.file",
            0.8,
            {"web1": changed, "web3": changed},
            items=("/srv/mootube/releases", "/srv/mootube/shared"),
        ),
        Step("app : Say the release", "ansible.builtin.debug", 0.1, result={"msg": "release 42"}),
        Step(
            "app : Migrate the database",
            "ansible.builtin.command",
            2.0,
            {"web3": Outcome.FAILED, "web1": changed},
            results={"web3": MIGRATION_ERROR},
        ),
        Step(
            "app : Wait until the site is healthy",
            "ansible.builtin.uri",
            6.0,
            retries=3,
            result={"attempts": 4},
        ),
        Step("app : Remove old releases", "ansible.builtin.file", 0.3, usual=changed),
    )
    play = list(linear_play("Provision the web servers", web, steps))
    warning = MessageShown(MessageKind.WARNING, "Found variable using reserved name: tags")
    return with_recap([*play[:1], Timed(0.1, warning), *play[1:]])


def large(count: int = 40, *, seconds: float = 2.0) -> list[Timed]:
    """Give a run on many hosts with alike and different failures and a few slow hosts."""
    hosts = hosts_named("node", count)
    changed = Outcome.CHANGED
    broken = dict.fromkeys(hosts[5:8], Outcome.FAILED)
    apt_error: Facts = {
        "msg": "Failed to lock apt for exclusive operation: Could not get lock "
        "/var/lib/dpkg/lock-frontend",
        "failed": True,
    }
    steps = (
        Step("Gathering Facts", "ansible.builtin.setup", seconds),
        Step("base : Be sure of the packages", "ansible.builtin.apt", seconds * 2, broken,
             results=dict.fromkeys(broken, apt_error), slow={hosts[-1]: seconds * 5}),
        Step("base : Write the message of the day", "ansible.builtin.copy", seconds / 2,
             dict.fromkeys(hosts[: count // 2], changed)),
        Step("base : Restart the agent", "ansible.builtin.service", seconds, usual=changed,
             slow=dict.fromkeys(hosts[10:14], seconds * 4)),
        Step("base : Say so once", "ansible.builtin.command", seconds, usual=changed,
             run_once=True),
    )  # fmt: skip
    return with_recap(list(linear_play("All machines", hosts, steps)))


def free(count: int = 12) -> list[Timed]:
    """Give a run of the free strategy."""
    steps = (
        Step("Fetch the archive", "ansible.builtin.get_url", 2.0, usual=Outcome.CHANGED),
        Step("Unpack it", "ansible.builtin.unarchive", 3.0, usual=Outcome.CHANGED),
        Step("Check it", "ansible.builtin.command", 1.0),
    )
    return with_recap(list(free_play("Everyone alone", hosts_named("box", count), steps)))


SCENARIOS = {"small": small, "large": large, "free": free}
