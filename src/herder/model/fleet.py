"""What a deployment and the run of its playbook need of each other.

`release` conducts (it decides); `language` runs the play in passes and asks hosts on behalf of the
conductor. Both sides are blocking: the conductor is called from the run's main thread.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


class RoleKind(enum.Enum):
    """Which role puts the release on hosts."""

    HERDER = "herder.deploy.app"
    ANSISTRANO = "ansistrano"


class Verdict(enum.Enum):
    """What the conductor answers after a pass or a batch."""

    GO_ON = "go on"
    STOP = "stop"
    TAKE_BACK = "take back"


@dataclass(frozen=True, slots=True)
class HostValues:
    """Where and how one host keeps its releases, as the playbook's variables have it."""

    deploy_to: str
    version_dir: str = "releases"
    shared_dir: str = "shared"
    current_dir: str = "current"
    keep_releases: int = 0
    on_failure: str = "take_back"


@dataclass(frozen=True, slots=True)
class BatchReport:
    """How a pass over some hosts ended; hosts are inventory names.

    `failed` maps a host to the task that failed and why, in one line.
    """

    hosts: tuple[str, ...]
    failed: Mapping[str, str] = field(default_factory=dict)
    unreachable: frozenset[str] = frozenset()
    seconds: float = 0.0

    @property
    def is_whole(self) -> bool:
        """Say whether every host came through."""
        return not self.failed and not self.unreachable


class HostState(enum.Enum):
    """Where a host is in a deployment, or how it left it."""

    UNTOUCHED = "not switched"
    STAGED = "staged"
    SWITCHED = "switched"
    TAKEN_BACK = "taken back"
    FAILED = "failed"
    LOST = "unreachable"


@dataclass(frozen=True, slots=True)
class HostStory:
    """What became of one host: the releases it had, got and has; '' where there is none."""

    host: str
    state: HostState = HostState.UNTOUCHED
    was: str = ""
    became: str = ""
    now: str = ""
    reason: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class DeploymentStory:
    """A deployment from its end: what, how it ended, and each host's part, in inventory order.

    `remarks` are sentences that the person who deployed should read.
    """

    release: str
    commit: str
    is_done: bool
    hosts: tuple[HostStory, ...]
    remarks: tuple[str, ...] = ()
    seconds: float = 0.0


class Fleet(Protocol):
    """The hosts of a deployment, for the conductor to ask."""

    @property
    def role(self) -> RoleKind: ...

    @property
    def batches(self) -> Sequence[tuple[str, ...]]: ...

    def values(self, host: str) -> HostValues:
        """Give the host's values of the role's variables."""

    def variable(self, host: str, name: str, default: object = None) -> object:
        """Give a variable of the playbook as it is on a host now, or `default`."""

    def file_text(self, path: str) -> str:
        """Give the text of a file on the controller, found and decrypted as tasks find theirs."""

    def ask(
        self, module: str, arguments: Mapping[str, Mapping[str, object]], seconds: int = 0
    ) -> Mapping[str, Mapping[str, object]]:
        """Run a module at once on the hosts named; host -> task result (failed, unreachable).

        A host that has not answered after `seconds` has failed; 0 waits however long.
        """

    def fix(self, variables: Mapping[str, object]) -> None:
        """Set extra variables for all that is run from now on; None takes one away."""

    def set_on(self, host: str, variables: Mapping[str, object]) -> None:
        """Set variables of one host, below extra variables."""

    def tell(self, text: str) -> None:
        """Say a line to the person who deploys."""

    def repeat(self, seconds: float, job: Callable[[], None]) -> Callable[[], None]:
        """Do a job again and again beside the run; what is given back ends that."""


UNDO_HOOK = "deploy_undo_tasks_file"
"""The variable that names the tasks which undo what ran once."""
REPEAT = "deploy_repeat"
"""The variable that lets what ran once run again."""


@dataclass(frozen=True, slots=True)
class OnceTask:
    """A task that runs once for all hosts, a migration as a rule.

    `digest` is the same wherever and whenever the same task of the playbook is loaded.
    """

    name: str
    digest: str


class OnceKeeper(Protocol):
    """Knows what ran once, in this deployment and in those before."""

    def may_run(self, task: OnceTask, host: str) -> bool:
        """Say whether a task is still to be done for this release's code."""

    def begins(self, task: OnceTask, host: str) -> None:
        """It is given out to this host."""

    def ended(self, task: OnceTask, host: str, *, has_changed: bool) -> None:
        """It did its work; or it failed, was skipped or changed nothing."""


class Course(enum.Enum):
    """What a conductor wants of the play.

    Both passes (DEPLOY), the same without what runs once for all hosts (CATCH_UP), only the way
    back, or no task at all.
    """

    DEPLOY = "deploy"
    CATCH_UP = "catch up"
    GO_BACK = "go back"
    LOOK = "look"


class Conductor(Protocol):
    """Decides a deployment; told by the run what happened.

    *Raises*, from `prepare`: DeploymentRefused, before anything was changed.
    *Then*: `finish`, always, also when the run breaks off.
    """

    @property
    def course(self) -> Course: ...

    @property
    def once(self) -> OnceKeeper | None:
        """Give who knows what ran once; None where nothing of that kind runs."""

    def prepare(self, fleet: Fleet) -> None:
        """Fix the release, take the lease, look at every host."""

    def takes_part(self, host: str) -> bool:
        """Say, after `prepare`, whether a host is to get the release."""

    def staged(self, report: BatchReport) -> Verdict:
        """All hosts were staged, or tried to be; may the first one switch?"""

    def begin_batch(self, hosts: tuple[str, ...]) -> None:
        """These hosts are about to switch."""

    def switched(self, report: BatchReport) -> Verdict:
        """A batch went through its switch and its gates, or not."""

    def interrupted(self, what: str = "interrupted") -> Verdict:
        """Ctrl-C came during a pass, or an error that ends the run: may what switched go back?"""

    def taken_back(self, report: BatchReport) -> None:
        """Hosts were given back what they had, or could not be."""

    def hosts_to_take_back(self) -> Sequence[tuple[str, ...]]:
        """Give the hosts that switched, in the batches in which they go back."""

    def finish(self) -> int:
        """Write what happened, give the lease back; the exit code of the deployment (0, 2, 4)."""
