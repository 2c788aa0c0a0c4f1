"""What ran once for all hosts (a migration), kept on every host of the fleet.

A task is known by its file's name, its own name and its arguments; it counts for the code that
was staged: the commit, else the digest of the source, else that of the tree. So a rerun, a second
deployer or a host that stands in for a lost one does not repeat what was done for this code.
What failed, or changed nothing, is not kept.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from herder.model.fleet import REPEAT, UNDO_HOOK, Fleet, OnceTask
from herder.model.releases import COMMIT_DIGITS, HostReleases
from herder.release.answers import ask_same, failure_of, look_at

MODULE = "herder.deploy.release_once"
SHOWN = 5

Entry = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class OnceDeployment:
    """The deployment that tasks run in; `token` is its lease's number."""

    fleet: Fleet
    hosts: Sequence[str]
    release: str
    by: str
    token: int


@dataclass(slots=True)
class OnceBook:
    """Implements model.fleet.OnceKeeper; `remark` is told what a person should read."""

    remark: Callable[[str], None]
    done_now: list[tuple[OnceTask, str]] = field(default_factory=list)
    _known: dict[str, Entry] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)
    _deployment: OnceDeployment | None = None
    _content: str = ""

    def open(self, deployment: OnceDeployment, seen: Mapping[str, HostReleases]) -> None:
        """Begin, with what all hosts know together."""
        self._deployment = deployment
        for releases in seen.values():
            for key, entry in releases.once.items():
                if self._known.get(key, {}).get("state") != "done":
                    self._known[key] = entry

    def may_run(self, task: OnceTask, host: str) -> bool:
        entry = self._known.get(self._key(task, host), {})
        if entry.get("state") == "begun":
            self._tell_once(f"{_told(entry)} was begun, its end is not known; it ran again")
        if entry.get("state") != "done" or self._is_repeated(host):
            return True
        text = f"was done for this code already and is not repeated (-e {REPEAT}=true repeats it)"
        self._tell_once(f"{_told(entry)} {text}")
        return False

    def begins(self, task: OnceTask, host: str) -> None:
        self._note(task, host, "begun")

    def ended(self, task: OnceTask, host: str, *, has_changed: bool) -> None:
        self._note(task, host, "done" if has_changed else "forgotten")
        if has_changed:
            self.done_now.append((task, host))

    def what_stays(self, hook: str, *, is_going_back: bool) -> str:
        """Say what this deployment did once, and what becomes of it."""
        done = ", ".join(f"{task.name!r} on {host}" for task, host in self.done_now)
        by_hook = f"{UNDO_HOOK} ({hook}) is to undo it" if hook else f"no {UNDO_HOOK} undoes it"
        if hook and not is_going_back:
            by_hook = f"{UNDO_HOOK} ({hook}) does not run where no host switched"
        return f"what ran once stays done: {done}; {by_hook}"

    def undone(self, *, is_whole: bool) -> None:
        """The hook that undoes what this deployment did has run; then the next one has to do it."""
        if not is_whole:
            text = f"the last batch that went back failed: look whether {UNDO_HOOK} undid it;"
            self._tell_once(f"{text} it counts as done for this code (-e {REPEAT}=true repeats it)")
            return
        self._tell_once(f"{UNDO_HOOK} undid it")
        for task, host in self.done_now:
            self._note(task, host, "forgotten")

    def _is_repeated(self, host: str) -> bool:
        deployment = self._known_deployment()
        value = deployment.fleet.variable(host, REPEAT, default=False)
        return str(value).lower() in ("true", "yes", "1", "on")

    def _note(self, task: OnceTask, host: str, state: str) -> None:
        deployment = self._known_deployment()
        key = self._key(task, host)
        facts = {"name": task.name, "state": state, "release": deployment.release, "host": host}
        words = {"key": key, "token": deployment.token, "by": deployment.by, **facts}
        answers = ask_same(deployment.fleet, deployment.hosts, MODULE, words)
        wrong = [f"{each}: {why}" for each, said in answers.items() if (why := failure_of(said))]
        if wrong:
            text = f"{task.name!r} could not be written down as {state} on {', '.join(wrong)}"
            self._tell_once(text)

    def _key(self, task: OnceTask, host: str) -> str:
        """Give the key; code that is not there yet (a hook before it) is asked for again."""
        deployment = self._known_deployment()
        if self._content in ("", deployment.release):
            seen = look_at(deployment.fleet, [host])[host]
            self._content = content_of(seen, deployment.release)
        return f"{task.digest}-{self._content}"

    def _tell_once(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self.remark(text)

    def _known_deployment(self) -> OnceDeployment:
        assert self._deployment is not None, "open comes first"
        return self._deployment


def content_of(seen: HostReleases, release: str) -> str:
    """Name the code of a release that is staged or being staged; its name where nothing else is.

    It must not change while the release is built, so a tree's digest counts only where neither
    commit nor source is known.
    """
    record = seen.release(release) or {}
    commit = str(record.get("commit") or "")
    if len(commit) == COMMIT_DIGITS:
        return commit
    return str(record.get("source_digest") or record.get("digest") or release)


def done_after(seen: Mapping[str, HostReleases], release: str) -> str:
    """Say what ran once for newer code than that of a release one goes back to; '' for nothing."""
    known = {key: entry for each in seen.values() for key, entry in each.once.items()}
    done = [entry for entry in known.values() if entry.get("state") == "done"]
    made, older = _made_with_older(seen, release)
    newer = [each for each in done if each.get("release") not in older and _moment(each) > made]
    if not newer:
        return ""
    told = ", ".join(_told(each) for each in sorted(newer, key=_moment)[-SHOWN:])
    more = f"{len(newer) - SHOWN} others, " if len(newer) > SHOWN else ""
    return f"what ran once for newer code stays done, a rollback undoes none of it: {more}{told}"


def _made_with_older(seen: Mapping[str, HostReleases], release: str) -> tuple[float, set[str]]:
    """Give when a release was finished first, and the names of it and of those before it."""
    moments, older = [], {release}
    for each in seen.values():
        names = [str(record.get("name")) for record in each.releases]
        if release in names:
            older.update(names[: names.index(release)])
            moments.append(float(str((each.release(release) or {}).get("finished") or 0)))
    return min(moments, default=0.0), older


def _moment(entry: Entry) -> float:
    return float(str(entry.get("at") or 0))


def _told(entry: Entry) -> str:
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(_moment(entry)))
    whose = f"by {entry.get('by')} " if entry.get("by") else ""
    where = f"on {entry.get('host')}, release {entry.get('release')}, {at}"
    return f"{str(entry.get('name'))!r} ({whose}{where})"
