"""Which task of a deployment's play runs in which pass.

A deployment goes over its play twice: once over all hosts up to the switch (STAGE), then in the
play's batches from the switch on (SWITCH). Going back is the second pass again, with the release
that was there before (TAKE_BACK). Tasks that only give values run in every pass; what is not of
the deploy role is left out of STAGE, so that nothing is drained or restarted for it.

What runs once for all hosts (`run_once`, outside of the role's own files) runs once in the whole
deployment: not in later batches, and on the way back only when it is of the hook that undoes what
ran once. A task with the variable `deploy_repeat: true` is no such task and runs once in every pass
it belongs to.

Herder's own role knows its passes by the variable `deploy_phase`. The Ansistrano role does not:
its steps are told apart by the files that its main.yml includes. Its clean-up is left to the
conductor: it would remove what the host goes back to when a later batch fails. The hooks around it
run on the way back too, as all hooks after the switch: one of them may reload what serves.

*Source*: ansistrano.deploy tasks/main.yml (the order of its includes).
"""

from __future__ import annotations

import enum
import hashlib
import json
import os
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from ansible.playbook.role import Role

from herder.model.fleet import REPEAT, OnceTask, RoleKind

HERDER_ROLES = frozenset({"herder.deploy.app"})
SWITCH_FILES = ("symlink.yml", "rsync-deploy.yml")
CLEAN_UP_FILE = "cleanup.yml"
AFTER_FILES = ("anon-stats.yml", "funding.yml")
VALUE_ACTIONS = frozenset(
    {
        "add_host",
        "assert",
        "gather_facts",
        "group_by",
        "include_vars",
        "set_fact",
        "setup",
        "validate_argument_spec",
    }
)
# What only leads to other tasks: those are looked at one by one.
INCLUDES = frozenset({"include_role", "include_tasks", "import_role", "import_tasks"})


class Pass(enum.Enum):
    """Where a deployment is in its play."""

    STAGE = "stage"
    SWITCH = "switch"
    TAKE_BACK = "take back"


@dataclass(frozen=True)
class DeployRole:
    """The role that puts the release on hosts; lines are those of its tasks/main.yml.

    `last_line` is the last one of the way back: what the role counts and thanks for comes after it,
    and its rescue, which would remove the release that the host goes back to.
    """

    kind: RoleKind
    first_task: Any
    main_file: str = ""
    switch_line: int = 0
    clean_up_line: int = 0
    rescue_line: int = 0
    last_line: int = 0

    def is_own(self, task: Any) -> bool:
        """Say whether a task stands in one of the role's files; those of hooks do not."""
        return _file(task).startswith(os.path.join(self.first_task._role._role_path, ""))

    def is_inside(self, task: Any) -> bool:
        """Say whether a task is the role's, or was included by one of the role's."""
        own = self.first_task._role
        while task is not None:
            role = getattr(task, "_role", None)
            if role is not None and role.get_name() == own.get_name():
                return True
            task = getattr(task, "_parent", None)
        return False


def find_deploy_role(play: Any) -> DeployRole | None:
    """Give the deploy role of a play, or None when it has none."""
    for task in tasks_of(play):
        role = task._role
        if role is None:
            continue
        if role.get_name() in HERDER_ROLES:
            return DeployRole(RoleKind.HERDER, task)
        if _is_ansistrano(role):
            return _ansistrano(role, task, play)
    return None


def count_deploy_roles(play: Any) -> int:
    """Say how often a play brings a deploy role; each time is an application of its own."""
    role = find_deploy_role(play)
    if role is None:
        return 0
    place = role.first_task.get_path()
    return sum(task.get_path() == place for task in tasks_of(play))


def tasks_of(play: Any) -> list[Any]:
    """Give all tasks of a play in their order, those of its roles too."""
    return [task for block in play.compile() for task in block.get_tasks()]


def _is_ansistrano(role: Role) -> bool:
    tasks = os.path.join(role._role_path, "tasks")
    has_files = all(
        os.path.exists(os.path.join(tasks, name)) for name in ("symlink.yml", "update-code.yml")
    )
    return has_files and "ansistrano_deploy_to" in role.get_default_vars()


def _ansistrano(role: Role, first_task: Any, play: Any) -> DeployRole:
    main_file = os.path.join(role._role_path, "tasks", "main.yml")
    lines = {
        str(task.args.get("_raw_params")): _line(task)
        for task in tasks_of(play)
        if _file(task) == main_file
    }
    rescue_line = _rescue_line(play, main_file)
    after = [lines[name] for name in AFTER_FILES if name in lines]
    return DeployRole(
        RoleKind.ANSISTRANO,
        first_task,
        main_file,
        min(lines[name] for name in SWITCH_FILES if name in lines),
        lines.get(CLEAN_UP_FILE, 0),
        rescue_line,
        min([*after, *([rescue_line] if rescue_line else [])], default=max(lines.values()) + 1) - 1,
    )


def _rescue_line(play: Any, main_file: str) -> int:
    """Give the first line of what the role does when it failed, 0 where it does nothing then."""
    rescues = [task for block in play.compile() for task in _flat(block)]
    return min((_line(task) for task in rescues if _file(task) == main_file), default=0)


def _flat(block: Any) -> list[Any]:
    """Give the tasks of a block's rescue, and of that of blocks in it."""
    found = [task for task in block.rescue if not hasattr(task, "block")]
    inner = [each for each in (*block.block, *block.rescue) if hasattr(each, "block")]
    return found + [task for each in inner for task in _flat(each)]


def _file(task: Any) -> str:
    return str(task.get_path() or "").rpartition(":")[0]


def _line(task: Any) -> int:
    return int(str(task.get_path() or ":0").rpartition(":")[2])


@dataclass
class Passes:
    """Says of each task whether it runs in the pass that is going on, and remembers run_once.

    With `has_run_once`, what runs once did so in an earlier deployment of the same release; tasks
    of `undo_file` are for the way back.
    """

    role: DeployRole
    current: Pass = Pass.STAGE
    has_run_once: bool = False
    undo_file: str = ""
    ran_once: set[str] = field(default_factory=set)
    _digests: dict[str, str] = field(default_factory=dict)
    _equal: Counter[str] = field(default_factory=Counter)

    def begin(self) -> None:
        """A pass over some hosts begins: equal tasks are counted from the first again."""
        self._digests.clear()
        self._equal.clear()

    def may_run(self, task: Any) -> bool:
        """Decide; a `run_once` task outside of staging runs once in the whole deployment."""
        if is_meta(task):
            return True
        once = self.once_task(task)
        if self.role.is_inside(task):
            return self._is_step_of_pass(task) and (self._undoes(task) or not self._is_done(once))
        if self.current is Pass.STAGE:
            return gives_values(task)
        return not self._is_done(once)

    def once_task(self, task: Any) -> OnceTask | None:
        """Give what runs once for all hosts by its name and digest; None for any other task."""
        if is_meta(task) or gives_values(task) or not _is_once(task) or self.role.is_own(task):
            return None
        return OnceTask(task.get_name().strip(), self._digest(task))

    def is_kept(self, task: Any) -> bool:
        """Say whether what a `run_once` task did counts for later deployments too."""
        return _action(task) not in INCLUDES and not self._undoes(task)

    def note_once(self, task: Any) -> None:
        """Remember that a `run_once` task did its work."""
        once = self.once_task(task)
        if once and self.current is not Pass.STAGE:
            self.ran_once.add(once.digest)

    def forget_once(self, task: Any) -> None:
        """A `run_once` task did nothing after all."""
        if once := self.once_task(task):
            self.ran_once.discard(once.digest)

    def _is_done(self, once: OnceTask | None) -> bool:
        if once is None:
            return False
        is_over = self.has_run_once or self.current is Pass.TAKE_BACK
        return is_over or once.digest in self.ran_once

    def _undoes(self, task: Any) -> bool:
        return bool(self.undo_file) and os.path.basename(_file(task)) == os.path.basename(
            self.undo_file
        )

    def _digest(self, task: Any) -> str:
        """Name a task by what it says, not by where; equal ones by their order in the pass.

        A task that comes back with a result has its templates filled in: it keeps its first name.
        """
        known = self._digests.get(task._uuid)
        if known is None:
            folder, name = os.path.split(_file(task))
            said = [os.path.basename(folder), name, task.name, task.action, task.args]
            text = json.dumps(said, sort_keys=True, default=str)
            named = f"{self._equal[text]} {text}"
            self._equal[text] += 1
            known = hashlib.sha256(named.encode()).hexdigest()[:24]
            self._digests[task._uuid] = known
        return known

    def _is_step_of_pass(self, task: Any) -> bool:
        if self.role.kind is RoleKind.HERDER or _file(task) != self.role.main_file:
            return True
        line = _line(task)
        if self.current is Pass.STAGE:
            # without its rescue, what failed would look as if all were well
            return line < self.role.switch_line or 0 < self.role.rescue_line <= line
        if self.current is Pass.TAKE_BACK and line > self.role.last_line:
            return False
        return line >= self.role.switch_line and line != self.role.clean_up_line


def gives_values(task: Any) -> bool:
    """Say whether a task only gives values to later ones, and changes nothing on hosts."""
    return is_meta(task) or _action(task) in VALUE_ACTIONS


def is_meta(task: Any) -> bool:
    """Say whether a task is for the engine itself."""
    return _action(task) == "meta"


def _action(task: Any) -> str:
    return str(task.action).rpartition(".")[2]


def _is_once(task: Any) -> bool:
    """Say whether a task runs once by itself or by what includes it, and is no one to repeat."""
    own = task
    while task is not None and not getattr(task, "run_once", False):
        task = getattr(task, "_parent", None)
    return task is not None and str(own.get_vars().get(REPEAT, "")).lower() not in ("true", "yes")
