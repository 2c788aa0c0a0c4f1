"""A fleet in memory: hosts with releases and a lease each, answering as the collection does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from herder.model.fleet import HostValues, RoleKind

Answer = dict[str, object]


@dataclass
class FakeHost:
    """One host's state; `broken` makes every answer a failure with that text."""

    current: str = ""
    staged: dict[str, str] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)
    commits: dict[str, str] = field(default_factory=dict)
    owner: str = ""
    token: int = 0
    findings: list[str] = field(default_factory=list)
    logs: list[Mapping[str, object]] = field(default_factory=list)
    once: dict[str, Mapping[str, object]] = field(default_factory=dict)
    broken: str = ""
    confirmed: int = 0


class FakeFleet:
    """Implements model.fleet.Fleet; `play` a pass by changing `hosts` between the calls."""

    def __init__(self, batches: Sequence[tuple[str, ...]], **variables: object) -> None:
        self.batches = tuple(batches)
        self.hosts = {host: FakeHost() for batch in batches for host in batch}
        self.role = RoleKind.HERDER
        self.fixed: dict[str, object] = {}
        self.own: dict[str, dict[str, object]] = {host: {} for host in self.hosts}
        self.told: list[str] = []
        self.variables = variables
        self.repeated = 0
        self.ended = 0

    def values(self, host: str) -> HostValues:
        on_failure = str(self.variables.get("deploy_on_failure", "take_back"))
        return HostValues(f"/srv/{host}", on_failure=on_failure)

    def variable(self, host: str, name: str, default: object = None) -> object:
        return self.variables.get(name, default)

    def file_text(self, path: str) -> str:
        return Path(path).read_text(encoding="utf-8")

    def ask(
        self, module: str, arguments: Mapping[str, Mapping[str, object]], seconds: int = 0
    ) -> Mapping[str, Mapping[str, object]]:
        answer = getattr(self, "_" + module.rpartition(".")[2])
        return {host: self._answer(answer, host, words) for host, words in arguments.items()}

    def _answer(
        self, answer: Callable[..., Answer], host: str, words: Mapping[str, object]
    ) -> Answer:
        state = self.hosts[host]
        if state.broken:
            return {"failed": True, "msg": state.broken}
        return answer(state, words)

    def _release_lease(self, host: FakeHost, words: Mapping[str, object]) -> Answer:
        action, owner = words["action"], str(words.get("owner") or "")
        if action == "release" and host.owner == owner:
            host.owner = ""
        if action == "break":
            host.owner = ""
        if action != "acquire":
            return {"held": host.owner == owner, "token": host.token}
        if host.owner not in ("", owner):
            return {"held": False, "holder": {"user": host.owner, "host": "x", "is_live": True}}
        host.owner = owner
        host.token = max(host.token + 1, int(str(words.get("at_least") or 0)))
        return {"held": True, "token": host.token}

    def _release_check(self, host: FakeHost, words: Mapping[str, object]) -> Answer:
        return {"failures": list(host.findings)}

    def _release_info(self, host: FakeHost, words: Mapping[str, object]) -> Answer:
        releases = [
            {
                "name": name,
                "digest": digest,
                "commit": host.commits.get(name, "c0ffee"),
                "state": "failed" if name in host.failed else "finished",
            }
            for name, digest in host.staged.items()
        ]
        usable = [name for name in host.staged if name not in host.failed]
        targets = [name for name in usable if name != host.current]
        wanted = host.staged.get(str(words.get("listing_of")))
        listing = [
            {"path": "index.html", "digest": wanted},
            {"path": "same.css", "digest": "same", "mtime_ns": id(host)},
        ]
        return {
            "current": host.current,
            "releases": releases,
            "rollback_targets": list(reversed(targets)),
            "usable": list(reversed(usable)),
            "lease": {"is_live": bool(host.owner), "user": host.owner},
            "listing": listing,
            "once": host.once if words.get("once") else {},
        }

    def _release_finish(self, host: FakeHost, words: Mapping[str, object]) -> Answer:
        if words["result"] != "ok":
            host.failed.add(str(words["release"]))
        return {"changed": True}

    def _release_cleanup(self, host: FakeHost, words: Mapping[str, object]) -> Answer:
        return {"changed": False, "removed": {}}

    def _release_log(self, host: FakeHost, words: Mapping[str, object]) -> Answer:
        host.logs.append(words)
        return {"changed": True}

    def _release_switch(self, host: FakeHost, words: Mapping[str, object]) -> Answer:
        host.confirmed += words["action"] == "confirm"
        return {"changed": True}

    def fix(self, variables: Mapping[str, object]) -> None:
        self.fixed |= variables

    def set_on(self, host: str, variables: Mapping[str, object]) -> None:
        self.own[host] |= variables

    def tell(self, text: str) -> None:
        self.told.append(text)

    def repeat(self, seconds: float, job: Callable[[], None]) -> Callable[[], None]:
        self.repeated += 1
        job()

        def end() -> None:
            self.ended += 1

        return end
