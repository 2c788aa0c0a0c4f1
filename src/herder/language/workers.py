"""A task on a host as a job in a thread, where ansible-core would fork a process.

The thread runs ansible-core's TaskExecutor: loops, conditions, retries, delegation and results
mean exactly what they mean there. What a forked process would get by copying, the job copies: the
task, the host's entry and the loader.
"""

from __future__ import annotations

import copy
import functools
import logging
import queue
import threading
from typing import Any

from ansible.executor.task_executor import TaskExecutor
from ansible.executor.task_queue_manager import FinalQueue
from ansible.utils.display import Display

from herder.language import core_version
from herder.language.blocking import WorkerThreads
from herder.language.connections import Carrier
from herder.language.interpreters import found_first, interpreters_for
from herder.language.prepared import Prepared, Wish, is_fixed
from herder.language.shortcuts.twins import copy_beside_parent, squashed_copy
from herder.language.worker_output import kept_output

display = Display()
log = logging.getLogger("herder.language")


class ResultQueue(FinalQueue):
    """ansible-core's result queue without a pipe: objects stay in this process."""

    def __init__(self) -> None:
        self._items: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def put(self, item: Any, *_: Any, **__: Any) -> None:
        self._items.put(core_version.as_sent(item))

    def get(self, *_: Any, **__: Any) -> Any:
        return self._items.get()

    def close(self) -> None:
        """Nothing to close."""


class Worker:
    """One task on one host; has the interface of ansible-core's WorkerProcess."""

    pid = None

    def __init__(
        self,
        *,
        threads: WorkerThreads,
        carrier: Carrier,
        final_q: Any,
        task_vars: Any,
        host: Any,
        task: Any,
        play_context: Any,
        loader: Any,
        variable_manager: Any,
        shared_loader_obj: Any,
        worker_id: int,
        cliargs: Any,
    ) -> None:
        self._threads = threads
        self.carrier = carrier
        self._final_q = final_q
        self._task_vars = task_vars
        self._host = copy.copy(host)
        self._task = squashed_copy(task)
        # an action plugin that copies its task would else copy the whole block around it
        self._task.copy = functools.partial(copy_beside_parent, self._task)
        self._play_context = play_context
        self._loader = copy.copy(loader)
        self._loader._tempfiles = set()
        self._variable_manager = variable_manager
        self._shared_loader_obj = shared_loader_obj
        self.worker_id = worker_id
        self.worker_queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.exitcode: int | None = None
        self._done = threading.Event()

    def start(self) -> None:
        self._threads.submit(self._run)

    def is_alive(self) -> bool:
        return not self._done.is_set()

    def close(self) -> None:
        """Nothing is held."""

    def terminate(self) -> None:
        """The sessions end what runs on hosts; a thread cannot be ended and is left behind."""

    def _run(self) -> None:
        try:
            core_version.run_task(self, StepExecutor.for_worker)
        except SystemExit:
            # a plugin that leaves takes its worker along, and ansible-core then ends the run
            self.exitcode = 1
        except BaseException as error:
            log.exception("worker failed", extra={"host": self._host.name})
            core_version.report_broken_worker(self, error)
        finally:
            self._loader.cleanup_all_tmp_files()
            self._done.set()


class StepExecutor(TaskExecutor):
    """ansible-core's TaskExecutor with connections that are carried by sessions and kept."""

    _carrier: Carrier
    _who: str
    _is_isolated = True
    _prepared: Prepared | None = None
    _wanted: Wish | None = None
    _before: dict[str, Any]
    _is_adopted = False

    @classmethod
    def for_worker(cls, worker: Worker) -> StepExecutor:
        executor = cls(**core_version.executor_arguments(worker))
        executor._carrier = worker.carrier
        executor._who = f"{worker._host}/{worker._task}"
        executor._is_isolated = core_version.is_isolated(worker._task_vars)
        return executor

    def run(self) -> Any:
        """Run the task; what its plugins printed is told as a warning."""
        with kept_output(is_isolated=self._is_isolated) as output:
            result = super().run()
        for text in output.warnings(self._who):
            display.warning(text, formatted=True)
        if self._prepared is not None and core_version.is_well(result):
            self._carrier.prepared.give_back(self._prepared)
        return result

    def _get_connection(self, variables: Any, templar: Any, current_connection: Any) -> Any:
        self._prepared, self._is_adopted = None, False
        if not self._is_isolated:
            return super()._get_connection(variables, templar, current_connection)
        wish = self._wish(variables, templar, current_connection)
        prepared = self._carrier.prepared.take(self._carrier.prepared.key(wish))
        if prepared is not None:
            return self._adopt(prepared, wish)
        self._wanted, self._before = wish, vars(self._play_context).copy()
        return super()._get_connection(variables, templar, current_connection)

    def _wish(self, variables: Any, templar: Any, name: Any) -> Wish:
        return Wish(self._host.name, name, self._task, self._play_context, variables, templar)

    def _adopt(self, prepared: Prepared, wish: Wish) -> Any:
        """Take on a connection that another task of the host has prepared."""
        connection, self._prepared, self._is_adopted = prepared.connection, prepared, True
        self._play_context.__dict__.update(prepared.context)
        connection._play_context = self._play_context
        connection._shell.tmpdir = None
        connection.herder_promised = None
        connection.herder_begin()
        raw = self._carrier.prepared.interpreters(wish.variables)
        if raw != prepared.interpreters or not all(map(is_fixed, raw)):
            interpreters = interpreters_for(wish.variables, wish.templar)
            if interpreters != connection.herder_interpreters:
                connection.herder_prepare(connection.herder_host, interpreters)
            prepared.interpreters = raw
        return connection

    def _set_become_plugin(self, variables: Any, templar: Any, connection: Any) -> None:
        """For the next item of a loop, too, the connection may be right as it is."""
        if self._prepared is not None and connection is self._prepared.connection:
            wish = self._wish(variables, templar, self._prepared.name)
            if self._carrier.prepared.key(wish) == self._prepared.key:
                self._adopt(self._prepared, wish)
                return
            self._wanted, self._before = wish, vars(self._play_context).copy()
            self._prepared = None
        super()._set_become_plugin(variables, templar, connection)

    def _set_connection_options(self, variables: Any, templar: Any) -> Any:
        if self._is_adopted and self._prepared is not None:
            self._is_adopted = False
            return list(self._prepared.consumed)
        names = super()._set_connection_options(variables, templar)
        if self._keeps_terminal():
            return names
        if self._carrier.take_over(self._connection):
            self._prepare(self._connection, variables, templar)
            self._note_prepared(variables, names)
        return names

    def _keeps_terminal(self) -> bool:
        """Whether programs on the controller are to have our terminal, which no agent has."""
        return not self._is_isolated and bool(self._connection.transport == "local")

    def _prepare(self, connection: Any, variables: Any, templar: Any) -> None:
        host = variables.get("inventory_hostname", self._host.name)
        interpreters = interpreters_for(variables, templar)
        # a second way to the host, as in `connection: local` for one task of many over ssh
        if connection.transport == "local" and not self._carrier.has_used(host, interpreters):
            interpreters = found_first(interpreters, variables)
        connection.herder_prepare(host, interpreters)

    def _note_prepared(self, variables: Any, names: list[str]) -> None:
        """Remember what the connection was prepared for; assumes that this was for `_wanted`."""
        wish, self._wanted = self._wanted, None
        if wish is None:
            return
        now, kept = vars(self._play_context), self._carrier.prepared
        changed = {name for name in now if now[name] is not self._before.get(name, kept)}
        context = {name: now[name] for name in changed}
        self._play_context.__dict__.update(self._before)
        kept.learn(wish, self._connection)
        key = kept.key(wish)
        self._play_context.__dict__.update(context)
        if key is not None:
            raw = kept.interpreters(variables)
            self._prepared = Prepared(key, wish.name, self._connection, list(names), context, raw)
