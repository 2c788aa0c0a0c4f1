"""Runs a deployment's play in passes and asks the conductor between them.

*Source*: ansible-core 2.19 executor/playbook_executor.py (`run`: batches, what breaks a play).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible import context
from ansible.errors import AnsibleError
from ansible.executor.playbook_executor import PlaybookExecutor

from herder.errors import HerderError, UsageError
from herder.language import core_version
from herder.language.applications import require_one
from herder.language.blocking import do_aside, repeat
from herder.language.left_out import require_role
from herder.language.notified import Notified
from herder.language.passes import DeployRole, Pass, Passes, find_deploy_role
from herder.language.side_tasks import SideTasks
from herder.model.fleet import (
    UNDO_HOOK,
    BatchReport,
    Conductor,
    Course,
    HostValues,
    OnceTask,
    RoleKind,
    Verdict,
)

Batch = tuple[str, ...]

STAGED_COURSES = (Course.DEPLOY, Course.CATCH_UP)
ROLE_VARIABLES = {
    RoleKind.HERDER: "deploy_",
    RoleKind.ANSISTRANO: "ansistrano_",
}


class PlayFleet:
    """The hosts of one play, with its variables; what the conductor sees as `Fleet`."""

    def __init__(
        self,
        role: DeployRole,
        batches: Sequence[Batch],
        side_tasks: SideTasks,
        tell: Callable[[str], None],
    ) -> None:
        self._role = role
        self._side_tasks = side_tasks
        self._tell = tell
        self.batches = tuple(batches)

    @property
    def role(self) -> RoleKind:
        return self._role.kind

    def values(self, host: str) -> HostValues:
        prefix = ROLE_VARIABLES[self.role]
        root = "deploy_to" if self.role is RoleKind.HERDER else f"{prefix}deploy_to"
        own = ("version_dir", "shared_dir", "current_dir", "keep_releases")
        names = [root, *(prefix + name for name in own), "deploy_on_failure"]
        values = self._side_tasks.values(host, names)
        deploy_to, version_dir, shared_dir, current_dir, keep, on_failure = values
        return HostValues(
            deploy_to=str(deploy_to),
            version_dir=str(version_dir),
            shared_dir=str(shared_dir),
            current_dir=str(current_dir),
            keep_releases=0 if keep is None else int(str(keep)),
            on_failure="take_back" if on_failure is None else str(on_failure),
        )

    def variable(self, host: str, name: str, default: object = None) -> object:
        (value,) = self._side_tasks.values(host, [name])
        return default if value is None else value

    def file_text(self, path: str) -> str:
        return self._side_tasks.file_text(path)

    def ask(
        self, module: str, arguments: Mapping[str, Mapping[str, object]], seconds: int = 0
    ) -> Mapping[str, Mapping[str, object]]:
        return self._side_tasks.run(module, arguments, seconds)

    def fix(self, variables: Mapping[str, object]) -> None:
        manager = self._side_tasks.variable_manager
        extra = manager.extra_vars | variables
        left = {name: value for name, value in extra.items() if value is not None}
        core_version.replace_extra_vars(manager, left)

    def set_on(self, host: str, variables: Mapping[str, object]) -> None:
        self._side_tasks.variable_manager.set_nonpersistent_facts(host, dict(variables))

    def tell(self, text: str) -> None:
        self._tell(text)

    def repeat(self, seconds: float, job: Callable[[], None]) -> Callable[[], None]:
        return repeat(seconds, job)


class PlayCourse:
    """One deployment over one play: counts the passes and carries out the verdicts."""

    def __init__(self, conductor: Conductor, passes: Passes, batches: Sequence[Batch]) -> None:
        self._conductor = conductor
        self.passes = passes
        self._batches = list(batches)
        self._done = 0
        self._is_over = False
        self._is_going_back = False
        self._is_asked = False
        self._notified = Notified()
        if conductor.course not in STAGED_COURSES:
            self.passes.current = Pass.TAKE_BACK

    def may_run(self, task: Any, host: str) -> bool:
        """Say whether a task belongs to the pass, and was not done once for this code before."""
        if not self.passes.may_run(task):
            return False
        once, keeper = self._once_of(task), self._conductor.once
        return once is None or keeper is None or keeper.may_run(once, host)

    def began(self, task: Any, host: str) -> None:
        """A task is given out to a host."""
        self.passes.note_once(task)
        if self.passes.current is not Pass.STAGE and self.passes.role.is_inside(task):
            self._notified.give_back(host)
        once, keeper = self._once_of(task), self._conductor.once
        if once is not None and keeper is not None:
            keeper.begins(once, host)

    def ended(self, task: Any, host: str, *, has_changed: bool, is_skipped: bool) -> None:
        """A task ended on a host; a failed one has changed nothing that counts.

        One that was skipped may be for a host of a later batch: its `when` is asked there again.
        """
        if is_skipped:
            self.passes.forget_once(task)
        once, keeper = self._once_of(task), self._conductor.once
        if once is not None and keeper is not None:
            keeper.ended(once, host, has_changed=has_changed)

    def _once_of(self, task: Any) -> OnceTask | None:
        return self.passes.once_task(task) if self.passes.is_kept(task) else None

    def ends_when_asked(self) -> bool:
        """Somebody asks the run to end (Ctrl-C, a signal): say whether it breaks off.

        Who asks while hosts go back for another reason is told that they do; hosts that are left
        on the release that failed are what nobody asks for. Who asks once more means it.
        """
        is_first, self._is_asked = not self._is_asked, True
        if is_first and self._is_going_back:
            do_aside(self._conductor.interrupted)
            return False
        return True

    def run(self, manager: Any, play: Any, run_play: Callable[[Any], int]) -> int:
        """Run the next pass of the play in place of the whole play; its code for the executor.

        Once stopped, nothing runs any more: the executor breaks off a play after its last batch.
        """
        failed = int(manager.RUN_FAILED_HOSTS | manager.RUN_FAILED_BREAK_PLAY)
        if self._is_over:
            return failed
        try:
            verdict = self._next_pass(manager, play, run_play)
        except (KeyboardInterrupt, Exception) as error:
            # A tasks file that cannot be read is found out when a host comes to it, after a switch.
            self._is_over = True
            is_key = isinstance(error, KeyboardInterrupt)
            what = "interrupted" if is_key else "the run broke off"
            self._break_off(manager, play, run_play, what)
            raise
        if verdict is Verdict.GO_ON:
            return int(manager.RUN_OK)
        self._is_over = True
        return failed

    def _next_pass(self, manager: Any, play: Any, run_play: Callable[[Any], int]) -> Verdict:
        if self.passes.current is Pass.STAGE:
            verdict = self._stage(manager, play, run_play)
        else:
            verdict = self._switch(manager, play, run_play)
        if verdict is Verdict.TAKE_BACK:
            self._take_back(manager, play, run_play)
        return verdict

    def _break_off(
        self, manager: Any, play: Any, run_play: Callable[[Any], int], what: str
    ) -> None:
        """End what runs on the hosts, then let the conductor say what becomes of them."""
        if self._is_going_back:
            return
        manager.forget_running(host for batch in self._batches for host in batch)
        if self._conductor.interrupted(what) is Verdict.TAKE_BACK:
            self._take_back(manager, play, run_play)

    def _stage(self, manager: Any, play: Any, run_play: Callable[[Any], int]) -> Verdict:
        hosts = tuple(host for batch in self._batches for host in batch)
        verdict = self._conductor.staged(self._pass_over(manager, play, run_play, hosts))
        self.passes.current = Pass.SWITCH
        return verdict

    def _switch(self, manager: Any, play: Any, run_play: Callable[[Any], int]) -> Verdict:
        hosts = self._batches[self._done]
        self._done += 1
        self._conductor.begin_batch(hosts)
        return self._conductor.switched(self._pass_over(manager, play, run_play, hosts))

    def _take_back(self, manager: Any, play: Any, run_play: Callable[[Any], int]) -> None:
        self.passes.current = Pass.TAKE_BACK
        self._is_going_back = True
        failed = dict(manager._failed_hosts)
        for hosts in self._conductor.hosts_to_take_back():
            manager._failed_hosts.clear()
            self._conductor.taken_back(self._pass_back(manager, play, run_play, hosts))
        manager._failed_hosts.update(failed)
        self._is_going_back = False

    def _pass_back(
        self, manager: Any, play: Any, run_play: Callable[[Any], int], hosts: Batch
    ) -> BatchReport:
        """Lead hosts back by the play; what breaks it off must not keep other batches from that."""
        try:
            return self._pass_over(manager, play, run_play, hosts)
        except (AnsibleError, HerderError) as error:
            manager.forget_running(hosts)
            reason = str(error).strip().partition("\n")[0]
            return BatchReport(hosts, failed=dict.fromkeys(hosts, reason))

    def _pass_over(
        self, manager: Any, play: Any, run_play: Callable[[Any], int], hosts: Batch
    ) -> BatchReport:
        inventory = manager._inventory
        inventory.restrict_to_hosts([inventory.get_host(host) for host in hosts])
        core_version.forget_completed_roles(play)
        self._notified.hold(play, hosts)
        self.passes.begin()
        started = time.monotonic()
        run_play(play)
        return BatchReport(
            hosts=hosts,
            failed={
                host: manager.why_failed(host) for host in hosts if host in manager._failed_hosts
            },
            unreachable=frozenset(set(hosts) & set(manager._unreachable_hosts)),
            seconds=time.monotonic() - started,
        )


def deploy_executor(
    conductor: Conductor,
    worker: Callable[..., Any],
    tell: Callable[[str], None],
    given: Mapping[str, object],
) -> type[PlaybookExecutor]:
    """Give a playbook executor class that conducts the play which has a deploy role.

    `given` are variables for the whole playbook.
    """

    class DeployExecutor(PlaybookExecutor):
        has_deployed = False
        deserted = ""

        def _get_serialized_batches(self, play: Any) -> list[list[Any]]:
            """Give the passes of a deploy play as its batches.

            *Raises*: what the conductor refuses with.
            """
            batches: list[list[Any]] = super()._get_serialized_batches(play)
            self._tqm.course = None
            role = find_deploy_role(play)
            if role is None or not batches:
                self.deserted = self.deserted if role is None else ", ".join(play.hosts)
                return batches
            _require_linear(play)
            require_one(self._playbooks, self._variable_manager, self._loader)
            _require_whole(conductor.course, self, play, role)
            self.has_deployed = True
            names = [tuple(str(host) for host in batch) for batch in batches]
            fleet = PlayFleet(role, names, self._side_tasks(play, role), tell)
            conductor.prepare(fleet)
            batches = [
                taking
                for batch in batches
                if (taking := [host for host in batch if conductor.takes_part(str(host))])
            ]
            names = [tuple(str(host) for host in batch) for batch in batches]
            passes = Passes(
                role,
                has_run_once=conductor.course is Course.CATCH_UP,
                undo_file=str(fleet.variable(names[0][0], UNDO_HOOK, "")) if names else "",
            )
            self._tqm.course = PlayCourse(conductor, passes, names)
            return _passes_as_batches(conductor.course, batches)

        def _side_tasks(self, play: Any, role: DeployRole) -> SideTasks:
            return SideTasks(
                play=play,
                like_task=role.first_task,
                variable_manager=self._variable_manager,
                loader=self._loader,
                worker=worker,
                passwords=self.passwords,
            )

        def run(self) -> Any:
            if self._tqm is None:
                return super().run()
            self._tqm.only_values = conductor.course is not Course.DEPLOY
            self._tqm.is_conducted = True
            self._variable_manager.extra_vars.update(given)
            try:
                answer = super().run()
            finally:
                code = conductor.finish()
            if not self.has_deployed and not answer and self.deserted:
                raise UsageError(
                    f"the deploy play is for {self.deserted!r}, and no host of the inventory is",
                    hint="see who is there: ansible-inventory --graph",
                )
            if not self.has_deployed and not answer:
                raise UsageError(
                    "no play of this playbook that has hosts uses a deploy role",
                    hint="use the role herder.deploy.app, or the Ansistrano role",
                )
            return code if self.has_deployed and code else answer

    return DeployExecutor


def _passes_as_batches(course: Course, batches: list[list[Any]]) -> list[list[Any]]:
    if course is Course.LOOK or not batches:
        return []
    everybody = [host for batch in batches for host in batch]
    return [everybody, *batches] if course in STAGED_COURSES else batches


def _require_whole(course: Course, executor: Any, play: Any, role: DeployRole) -> None:
    """Refuse words that leave the role out; who only looks needs none of its tasks."""
    if course is Course.LOOK:
        return
    variables = executor._variable_manager.get_vars(play=play)
    is_begun = executor._tqm._start_at_done
    require_role(play, role, variables, None if is_begun else context.CLIARGS["start_at_task"])


def _require_linear(play: Any) -> None:
    if play.strategy.rpartition(".")[2] != "linear":
        raise UsageError(
            f"a deployment needs the strategy linear, this play has {play.strategy!r}",
            hint="leave the play's strategy out",
        )
