"""A fleet of directories: the collection's real modules answer, run in this process."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from ansible.module_utils import basic

from herder.model.fleet import BatchReport, Conductor, HostValues, RoleKind, Verdict

Answer = Mapping[str, object]

# Imported with this file: once a test lets ansible-core load plugins, only its own finder is asked.
MODULES = {
    name: importlib.import_module(f"ansible_collections.herder.deploy.plugins.modules.{name}")
    for name in (
        "release_check",
        "release_cleanup",
        "release_finish",
        "release_info",
        "release_lease",
        "release_log",
        "release_once",
        "release_stage",
        "release_switch",
    )
}


COLLECTION = {f"herder.deploy.{name}" for name in MODULES}


def run_module(name: str, words: Mapping[str, object]) -> Answer:
    """Run a module of the collection as ansible-core would, and give its result."""
    module = MODULES[name.rpartition(".")[2]]
    arguments = json.dumps({"ANSIBLE_MODULE_ARGS": dict(words)}).encode()
    said = io.StringIO()
    with _arguments(arguments), contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        module.main()
    answer: Answer = json.loads(said.getvalue())
    return answer


@contextlib.contextmanager
def _arguments(arguments: bytes) -> Iterator[None]:
    """Put the arguments where AnsibleModule reads them."""
    before = basic._ANSIBLE_ARGS, getattr(basic, "_ANSIBLE_PROFILE", None)
    basic._ANSIBLE_ARGS, basic._ANSIBLE_PROFILE = arguments, "legacy"
    try:
        yield
    finally:
        basic._ANSIBLE_ARGS, basic._ANSIBLE_PROFILE = before


class ModuleFleet:
    """Implements model.fleet.Fleet; `lost` hosts cannot be reached, `broken` ones fail a gate."""

    def __init__(self, root: Path, batches: Sequence[tuple[str, ...]], **variables: object) -> None:
        self.root = root
        self.batches = tuple(batches)
        self.role = RoleKind.HERDER
        self.variables = variables
        self.fixed: dict[str, object] = {}
        self.own: dict[str, dict[str, object]] = {host: {} for host in self.hosts}
        self.lost: set[str] = set()
        self.told: list[str] = []
        self.commands: list[tuple[str, Answer]] = []

    @property
    def hosts(self) -> list[str]:
        """Give all hosts in inventory order."""
        return [host for batch in self.batches for host in batch]

    def values(self, host: str) -> HostValues:
        on_failure = str(self.variables.get("deploy_on_failure", "take_back"))
        keep = int(str(self.variables.get("ansistrano_keep_releases", 0)))
        return HostValues(str(self.root / host), keep_releases=keep, on_failure=on_failure)

    def variable(self, host: str, name: str, default: object = None) -> object:
        known = {**self.variables, **self.own[host], **self.fixed}
        return known.get(name, default)

    def file_text(self, path: str) -> str:
        return Path(path).read_text(encoding="utf-8")

    def ask(
        self, module: str, arguments: Mapping[str, Answer], seconds: int = 0
    ) -> Mapping[str, Answer]:
        return {host: self._ask(module, host, words) for host, words in arguments.items()}

    def _ask(self, module: str, host: str, words: Answer) -> Answer:
        if host in self.lost:
            return {"unreachable": True, "msg": "no route to host"}
        if module not in COLLECTION:
            self.commands.append((host, words))
            return {"changed": True}
        return run_module(module, words)

    def fix(self, variables: Mapping[str, object]) -> None:
        self.fixed |= variables
        self.fixed = {name: value for name, value in self.fixed.items() if value is not None}

    def set_on(self, host: str, variables: Mapping[str, object]) -> None:
        self.own[host] |= variables

    def tell(self, text: str) -> None:
        self.told.append(text)

    def repeat(self, seconds: float, job: Callable[[], None]) -> Callable[[], None]:
        return lambda: None

    def served(self) -> dict[str, str]:
        """Read what a visitor of each host gets; '' for nothing."""
        pages = {host: self.root / host / "current" / "index.html" for host in self.hosts}
        return {host: page.read_text() if page.exists() else "" for host, page in pages.items()}


class Play:
    """Plays the passes of a deployment as the role does, and asks the conductor between them."""

    def __init__(self, fleet: ModuleFleet, conductor: Conductor) -> None:
        self.fleet = fleet
        self.conductor = conductor
        self.content: dict[str, str] = {}
        self.broken: set[str] = set()
        self.dies_before_switch: set[str] = set()
        self.is_stuck = False
        self.is_staged = False
        self.dies_after_switch: set[str] = set()
        self.guard_seconds = 0.0

    def run(self) -> int:
        """Run it to its end; the exit code."""
        fleet, conductor = self.fleet, self.conductor
        try:
            conductor.prepare(fleet)
            verdict = conductor.staged(self._pass(fleet.hosts, self._stage))
            for batch in fleet.batches:
                if verdict is not Verdict.GO_ON:
                    break
                conductor.begin_batch(batch)
                verdict = conductor.switched(self._pass(batch, self._switch))
            if verdict is Verdict.TAKE_BACK:
                self.broken.clear()
                for batch in conductor.hosts_to_take_back():
                    step = self._fail if self.is_stuck else self._switch
                    conductor.taken_back(self._pass(batch, step))
        finally:
            code = conductor.finish()
        return code

    def _pass(self, hosts: Sequence[str], step: Callable[[str], str]) -> BatchReport:
        failures = {host: step(host) for host in hosts if host not in self.fleet.lost}
        unreachable = frozenset(host for host in hosts if host in self.fleet.lost)
        failed = {host: why for host, why in failures.items() if why and host not in unreachable}
        return BatchReport(tuple(hosts), failed, unreachable)

    def _words(self, host: str, **more: object) -> dict[str, object]:
        token = self.fleet.variable(host, "deploy_lease_token")
        release = self.fleet.variable(host, "deploy_release_version")
        return {"deploy_to": self.fleet.values(host).deploy_to, "token": token,
                "release": release, **more}  # fmt: skip

    def _fail(self, host: str) -> str:
        return f"Drain: {host}: no balancer"

    def _stage(self, host: str) -> str:
        begun = run_module("release_stage", self._words(host, steps=["setup", "begin"]))
        if begun.get("failed"):
            return str(begun["msg"])
        if begun["already_staged"]:
            return "" if self.is_staged else "the release is finished here with other code"
        release = str(self.fleet.variable(host, "deploy_release_version"))
        place = Path(self.fleet.values(host).deploy_to) / "releases" / release
        place.mkdir()
        (place / "index.html").write_text(self.content.get(host, release))
        sealed = run_module("release_stage", self._words(host, steps=["seal"]))
        return str(sealed["msg"]) if sealed.get("failed") else ""

    def _switch(self, host: str) -> str:
        if host in self.dies_before_switch:
            self.fleet.lost.add(host)
            return ""
        agreed = float(str(self.fleet.variable(host, "deploy_guard_seconds", 0.0)))
        words = self._words(host, guard_seconds=min(self.guard_seconds, agreed))
        if self.fleet.variable(host, "deploy_phase") == "take_back":
            words["action"] = "revert"
        answer = run_module("release_switch", words)
        if host in self.dies_after_switch:
            self.fleet.lost.add(host)
        if answer.get("failed"):
            return str(answer["msg"])
        return "health: status 500" if host in self.broken else ""
