"""Which task of a deployment's play runs in which pass.

A deployment goes over its play twice: once over all hosts up to the switch (STAGE), then in the
play's batches from the switch on (SWITCH). Going back is the second pass again, with the release
that was there before (TAKE_BACK). Tasks that only give values run in every pass; what is not of
the deploy role is left out of STAGE, so that nothing is drained or restarted for it.

Herder's own role knows its passes by the variable `deploy_phase`. The Ansistrano role does not:
its steps are told apart by the files that its main.yml includes.

*Source*: ansistrano.deploy tasks/main.yml (the order of its includes).
"""

from __future__ import annotations

import enum
import os
from dataclasses import dataclass, field
from typing import Any

from ansible.playbook.role import Role

from herder.model.fleet import RoleKind

HERDER_ROLES = frozenset({"herder.deploy.app"})
SWITCH_FILES = ("symlink.yml", "rsync-deploy.yml")
AFTER_FILES = ("cleanup.yml", "anon-stats.yml", "funding.yml")
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


class Pass(enum.Enum):
    """Where a deployment is in its play."""

    STAGE = "stage"
    SWITCH = "switch"
    TAKE_BACK = "take back"


@dataclass(frozen=True)
class DeployRole:
    """The role that puts the release on hosts; lines are those of its tasks/main.yml."""

    kind: RoleKind
    first_task: Any
    main_file: str = ""
    switch_line: int = 0
    after_line: int = 0

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
    for task in _tasks(play):
        role = task._role
        if role is None:
            continue
        if role.get_name() in HERDER_ROLES:
            return DeployRole(RoleKind.HERDER, task)
        if _is_ansistrano(role):
            return _ansistrano(role, task, play)
    return None


def _tasks(play: Any) -> list[Any]:
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
        for task in _tasks(play)
        if _file(task) == main_file
    }
    return DeployRole(
        RoleKind.ANSISTRANO,
        first_task,
        main_file,
        min(lines[name] for name in SWITCH_FILES if name in lines),
        min(lines[name] for name in AFTER_FILES if name in lines),
    )


def _file(task: Any) -> str:
    return str(task.get_path() or "").rpartition(":")[0]


def _line(task: Any) -> int:
    return int(str(task.get_path() or ":0").rpartition(":")[2])


@dataclass
class Passes:
    """Says of each task whether it runs in the pass that is going on, and remembers run_once.

    With `has_run_once`, what runs once did so in an earlier deployment of the same release.
    """

    role: DeployRole
    current: Pass = Pass.STAGE
    has_run_once: bool = False
    ran_once: set[str] = field(default_factory=set)

    def may_run(self, task: Any) -> bool:
        """Decide; a `run_once` task outside of staging runs once in the whole deployment."""
        if is_meta(task):
            return True
        if self.role.is_inside(task):
            return self._is_step_of_pass(task)
        if self.current is Pass.STAGE:
            return gives_values(task)
        return not self._is_done_once(task)

    def note_once(self, task: Any) -> None:
        """Remember that a `run_once` task did its work."""
        if self.current is not Pass.STAGE:
            self.ran_once.add(_key(task))

    def _is_done_once(self, task: Any) -> bool:
        if gives_values(task) or not task.run_once:
            return False
        is_over = self.has_run_once or self.current is Pass.TAKE_BACK
        return is_over or _key(task) in self.ran_once

    def _is_step_of_pass(self, task: Any) -> bool:
        if self.role.kind is RoleKind.HERDER or _file(task) != self.role.main_file:
            return True
        line = _line(task)
        if self.current is Pass.STAGE:
            return line < self.role.switch_line
        if self.current is Pass.TAKE_BACK and line >= self.role.after_line:
            return False
        return line >= self.role.switch_line


def gives_values(task: Any) -> bool:
    """Say whether a task only gives values to later ones, and changes nothing on hosts."""
    return is_meta(task) or task.action.rpartition(".")[2] in VALUE_ACTIONS


def is_meta(task: Any) -> bool:
    """Say whether a task is for the engine itself."""
    return bool(task.action.rpartition(".")[2] == "meta")


def _key(task: Any) -> str:
    return f"{task.get_path()} {task.name}"
