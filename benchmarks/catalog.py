"""All scenarios, in the order of the table."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks import copying, loops, release, tasks
from benchmarks.fleet import herder_words
from benchmarks.many import Many
from benchmarks.peers import Job, Start
from benchmarks.scenario import ALL_PEERS, ANSIBLE_PEERS, Scenario
from benchmarks.state import MARK, check_tasks, check_untouched

FRESH = f"rm -rf {tasks.ROOT} ~/.cache/herder ~/.ansible /tmp/pyinfra*\n"


def scenarios() -> list[Scenario]:
    """Give all scenarios."""
    return [*_thirty_tasks(), *_small(), *_larger(), *_many(), *_start()]


def _write_tasks(job: Job) -> None:
    tasks.write(job.folder)


def _thirty_tasks() -> list[Scenario]:
    return [
        _unchanged("unchanged"),
        _unchanged("again", "again within a minute", again=True),
        _unchanged("one", hosts=1),
        Scenario(
            group="first",
            name="first",
            title="30 tasks that change everything, fresh hosts",
            peers=ALL_PEERS,
            write=_write_tasks,
            before=FRESH,
            check=check_tasks,
        ),
        _unchanged("wan", "50 ms away", delay_ms=25),
    ]


def _unchanged(
    name: str, how: str = "", *, hosts: int = 10, again: bool = False, delay_ms: float = 0
) -> Scenario:
    title = "30 tasks that change nothing"
    return Scenario(
        group=name,
        name=name,
        title=f"{title}, {how}" if how else title,
        peers=ALL_PEERS,
        write=_write_tasks,
        hosts=hosts,
        first=FRESH,
        settle=True,
        before=MARK,
        check=check_untouched,
        again=again,
        delay_ms=delay_ms,
    )


def _small() -> list[Scenario]:
    return [
        _facts("facts", "facts", "gather_facts alone"),
        _facts("again", "facts-again", "gather_facts alone, again within a minute", again=True),
        Scenario(
            group="loop",
            name="loop",
            title="one task over 200 items",
            peers=ALL_PEERS,
            write=loops.write_items,
            first=FRESH,
            settle=True,
            check=loops.check_items,
        ),
        Scenario(
            group="loop",
            name="loop-template",
            title="a template of 500 rows",
            peers=ALL_PEERS,
            write=loops.write_rows,
            first=f"{FRESH}mkdir -p {tasks.ROOT}\n",
            settle=True,
            check=loops.check_rows,
        ),
    ]


def _facts(group: str, name: str, title: str, *, again: bool = False) -> Scenario:
    return Scenario(
        group=group,
        name=name,
        title=title,
        peers=ANSIBLE_PEERS,
        write=_write_playbook("- hosts: all\n  gather_facts: true\n"),
        again=again,
    )


def _larger() -> list[Scenario]:
    return [
        Scenario(
            group="release",
            name="release",
            title="a release as Ansistrano makes it",
            peers=ALL_PEERS,
            write=release.write,
            first=FRESH + release.PREPARE,
            settle=True,
            before=release.COMMIT,
            check=release.check,
        ),
        Scenario(
            group="copy",
            name="copy-file",
            title="one file of 200 MB",
            peers=ALL_PEERS,
            write=copying.write_large,
            before=f"mkdir -p {tasks.ROOT} && rm -f {copying.LARGE}\n",
            check=copying.check_large,
            starts={"floor": copying.start_scp},
        ),
        Scenario(
            group="copy",
            name="copy-tree",
            title="a tree of 5,000 files, second time",
            peers=("herder", "floor"),
            write=copying.write_tree,
            first=f"rm -rf {tasks.ROOT} && mkdir -p {tasks.ROOT}\n",
            settle=True,
            check=copying.check_tree,
            starts={"floor": copying.start_rsync},
        ),
    ]


def _many() -> list[Scenario]:
    return [
        Scenario(
            group="many",
            name=f"many-{hosts}",
            title="30 tasks that change nothing, agents as local processes",
            peers=("herder",),
            write=fleet.write,
            hosts=1,
            counted_hosts=hosts,
            settle=True,
            check=fleet.check,
            starts={"herder": fleet.start},
        )
        for hosts, fleet in ((hosts, Many(hosts)) for hosts in (100, 300, 1000))
    ]


def _start() -> list[Scenario]:
    version = {
        "herder": lambda job: Start(herder_words("--version")),
        "ansible-pipelined": _ansible_version,
    }
    return [
        Scenario(
            group="start",
            name="start",
            title="an empty play",
            peers=("herder", "ansible-pipelined"),
            hosts=1,
            write=_write_playbook("- hosts: all\n  gather_facts: false\n"),
        ),
        Scenario(
            group="start",
            name="start-version",
            title="--version",
            peers=("herder", "ansible-pipelined"),
            hosts=1,
            write=_write_playbook(""),
            starts=version,
        ),
    ]


def _ansible_version(job: Job) -> Start:
    return Start([str(job.environments["ansible"] / "bin" / "ansible-playbook"), "--version"])


def _write_playbook(text: str) -> Callable[[Job], None]:
    def write(job: Job) -> None:
        (job.folder / "playbook.yml").write_text(text, encoding="utf-8")

    return write
