"""Modules run on a play's hosts beside the play: no callbacks, no recap, at any time.

A deployment asks hosts things that are in no playbook (lease, preflight, journal). Such a task is
executed like the play's own tasks: same connection, same become, same variables.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible.playbook.play import Play
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import get_plugin_loader_namespace
from ansible.template import Templar

from herder.events import Facts
from herder.language import core_version
from herder.language.workers import Worker

INHERITED = (
    "become",
    "become_exe",
    "become_flags",
    "become_method",
    "become_user",
    "connection",
    "environment",
    "port",
    "remote_user",
)


class AnswerQueue:
    """Takes the results of side tasks, where a worker has the queue of its strategy."""

    def __init__(self) -> None:
        self.answers: queue.SimpleQueue[tuple[str, Facts]] = queue.SimpleQueue()

    def send_task_result(self, *result: Any) -> None:
        self.answers.put(core_version.plain_result(*result))

    def send_callback(self, *_: Any, **__: Any) -> None:
        """Side tasks have no callbacks."""


@dataclass(frozen=True)
class SideTasks:
    """Runs modules on a play's hosts with the variables and the user of one of its tasks.

    `worker` makes what executes one task on one host (language/workers.py).
    """

    play: Any
    like_task: Any
    variable_manager: Any
    loader: Any
    worker: Callable[..., Worker]
    passwords: Mapping[str, str | None]

    def run(
        self, module: str, arguments: Mapping[str, Mapping[str, Any]], seconds: int = 0
    ) -> dict[str, Facts]:
        """Run `module` at once on every host that `arguments` names; 0 seconds: however long.

        *Shapes*: host name -> module arguments; gives host name -> task result, with `failed` or
        `unreachable` true where it went wrong.
        """
        answers = AnswerQueue()
        task, told = None, None
        for number, (host, words) in enumerate(arguments.items()):
            # hosts are mostly asked the same
            if words != told:
                task, told = self._task(module, words, seconds), words
            self._worker(number, host, task, answers).start()
        return dict(answers.answers.get() for _ in arguments)

    def values(self, host: str, names: Sequence[str]) -> list[Any]:
        """Give what variables of the playbook are on a host; None for one that is not defined.

        *Raises*: AnsibleError when one cannot be evaluated there.
        """
        expressions = ", ".join(f"{name} | default(none)" for name in names)
        templar = Templar(loader=self.loader, variables=self._variables(host))
        found: list[Any] = templar.template(core_version.trusted("{{ [" + expressions + "] }}"))
        return found

    def file_text(self, path: str) -> str:
        """Give the text of a file on the controller, found and decrypted as by a task of the role.

        *Raises*: AnsibleError when it is nowhere, or the vault password is not the right one.
        *Source*: ansible-core 2.19 plugins/action/__init__.py (`_find_needle`), lookup/file.py.
        """
        places = self.like_task.get_search_path()
        found = self.loader.path_dwim_relative_stack(places, "files", path)
        return str(self.loader.get_text_file_contents(found))

    def _worker(self, number: int, host: str, task: Any, answers: AnswerQueue) -> Worker:
        return self.worker(
            final_q=answers,
            task_vars=self._variables(host),
            host=self._entry(host),
            task=task,
            play_context=PlayContext(task.play, dict(self.passwords)),
            loader=self.loader,
            variable_manager=self.variable_manager,
            shared_loader_obj=get_plugin_loader_namespace(),
            worker_id=number,
            cliargs=None,
        )

    def _task(self, module: str, words: Mapping[str, Any], seconds: int) -> Any:
        fields = {name: getattr(self.like_task, name) for name in INHERITED}
        given = {name: value for name, value in fields.items() if value not in (None, [], {})}
        source = {
            "name": "beside the play",
            "hosts": "all",
            "gather_facts": False,
            "tasks": [{module: dict(words), "check_mode": False, "timeout": seconds, **given}],
        }
        play = Play.load(source, variable_manager=self.variable_manager, loader=self.loader)
        return next(task for block in play.compile() for task in block.block if not task.implicit)

    def _variables(self, host: str) -> dict[str, Any]:
        values: dict[str, Any] = self.variable_manager.get_vars(
            play=self.play, host=self._entry(host), task=self.like_task
        )
        return values

    def _entry(self, host: str) -> Any:
        return self.variable_manager._inventory.get_host(host)
