"""Tables about a fleet: what a deployment did or would do, and who runs what."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence

from herder.display.host_list import counted
from herder.display.table import Column, Row, Table, Tone
from herder.model.fleet import DeploymentStory, HostState, HostStory
from herder.model.releases import SHOWN_DIGITS, DeploymentPlan, HostReleases, PlannedChange

_TONES = {
    HostState.SWITCHED: Tone.GOOD,
    HostState.TAKEN_BACK: Tone.NOTICE,
    HostState.FAILED: Tone.BAD,
    HostState.LOST: Tone.BAD,
}
NONE = "-"
SHOWN_COMMITS = 5
BESIDE = "another play of the playbook failed (see above), the hosts keep the release"


def story_table(story: DeploymentStory, exit_code: int = 0) -> Table:
    """Give what a deployment did: per host what it was, became and is now.

    The whole run's `exit_code` tells of other plays: one may have failed after all was done.
    """
    result = "done" if story.is_done else "not done"
    shown = _commit(story.commit, story.release)
    commit = f", commit {shown}" if shown else ""
    names = ("host", "was", "became", "is now", "state")
    columns = (*(Column(name) for name in names), Column("", is_prose=True))
    return Table(
        title=f"Release {story.release}{commit}: {result} in {story.seconds:.1f} s",
        columns=columns,
        rows=tuple(_story_row(host) for host in story.hosts),
        notes=(*story.remarks, *([BESIDE] if story.is_done and exit_code else [])),
    )


def _story_row(story: HostStory) -> Row:
    reason = story.reason.splitlines()[0] if story.reason else ""
    is_bad = bool(reason) and story.state is HostState.SWITCHED
    cells = (
        story.host,
        story.was or NONE,
        story.became or NONE,
        story.now or NONE,
        story.state.value,
        reason,
    )
    return Row(cells, Tone.BAD if is_bad else _TONES.get(story.state, Tone.PLAIN))


def releases_table(hosts: Mapping[str, HostReleases]) -> Table:
    """Give who runs what; hosts that differ from most stand out."""
    served = Counter((each.current, each.code(each.current)) for each in hosts.values())
    usual = served.most_common(1)[0][0]
    return Table(
        title=f"Releases on {counted(len(hosts), 'host')}",
        columns=(
            Column("host"),
            Column("release", is_whole=True),
            Column("commit", is_whole=True, is_optional=True),
            Column("since", is_whole=True, is_optional=True),
            Column("by", is_optional=True),
            Column("state"),
            Column("also has"),
        ),
        rows=tuple(_release_row(each, usual) for each in hosts.values()),
    )


def _release_row(each: HostReleases, usual: tuple[str, str]) -> Row:
    if each.failure:
        return Row((each.host, NONE, NONE, NONE, NONE, each.failure, ""), Tone.BAD)
    record = each.release(each.current) or {}
    edited = bool(record.get("is_edited"))
    is_other = (each.current, each.code(each.current)) != usual
    state = _state(each, record, is_edited=edited)
    state += ", other code than most" if is_other and each.current == usual[0] else ""
    others = [_other(other) for other in each.releases if other["name"] != each.current]
    cells = (
        each.host,
        each.current or NONE,
        _commit(str(record.get("commit") or ""), each.current) or NONE,
        _when(record.get("activated") or record.get("finished")),
        str(record.get("by") or NONE),
        state,
        ", ".join(reversed(others)) or NONE,
    )
    is_odd = is_other or edited or each.is_dangling or each.is_pending
    return Row(cells, Tone.NOTICE if is_odd or not each.current else Tone.PLAIN)


def _commit(commit: str, release: str) -> str:
    """Give what is shown of a commit; code that is not from git has its release's name in place."""
    return "" if commit == release else commit[:SHOWN_DIGITS]


def _other(record: Mapping[str, object]) -> str:
    """Give a release's name, and what is wrong with it: nobody goes back to half a release."""
    name = str(record["name"])
    return name if record.get("is_usable", True) else f"{name} ({record.get('state')})"


def _state(each: HostReleases, record: Mapping[str, object], *, is_edited: bool) -> str:
    if each.is_dangling:
        return "link leads nowhere"
    if not each.current:
        return f"no release, leads to {each.outside}" if each.outside else "no release"
    if is_edited:
        return "edited by hand"
    if each.is_pending:
        return "not confirmed"
    return "whole" if record.get("is_usable", True) else str(record.get("state"))


def _when(moment: object) -> str:
    if isinstance(moment, list):
        return _when(moment[-1]) if moment else NONE
    if not isinstance(moment, int | float) or not moment:
        return NONE
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment))


def plan_tables(plan: DeploymentPlan, release: str) -> Sequence[Table]:
    """Give what a deployment would do: batches, hosts, hooks, and what stands in its way."""
    new = release or "(the time, in UTC)"
    rows = [
        Row((str(number), host, plan.hosts[host].serves or NONE, new))
        for number, batch in enumerate(plan.batches, 1)
        for host in batch
    ]
    columns = tuple(Column(name) for name in ("batch", "host", "serves", "would serve"))
    tables = [Table(f"Plan: code by {plan.source}; nothing was changed", columns, tuple(rows))]
    if plan.hooks:
        hooks = tuple(Row(pair) for pair in plan.hooks)
        tables.append(Table("Hooks that would run", (Column("when"), Column("tasks")), hooks))
    if plan.changes:
        tables.append(_changes_table(plan))
    if plan.findings:
        findings = tuple(Row(pair, Tone.BAD) for pair in plan.findings)
        tables.append(Table("Not ready", (Column("host"), Column("why", is_prose=True)), findings))
    return tables


def _changes_table(plan: DeploymentPlan) -> Table:
    rows = [Row((host, *_change_cells(each))) for host, each in plan.changes.items()]
    columns = ("host", "commit", "files added", "changed", "removed", "commits in between")
    return Table("What would come", tuple(Column(name) for name in columns), tuple(rows))


def _change_cells(change: PlannedChange) -> tuple[str, ...]:
    if change.failure:
        return (change.failure, "", "", "", "")
    counts = (str(change.files.get(kind, 0)) for kind in ("added", "changed", "removed"))
    return (
        change.commit[:SHOWN_DIGITS],
        *counts,
        "; ".join(change.commits[:SHOWN_COMMITS]) or NONE,
    )
