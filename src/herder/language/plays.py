"""ansible-core's queue manager and its strategies, told of our workers and event sinks.

The strategies decide who takes the next step exactly as in ansible-core; here they only wait for
results by being woken instead of by polling.
"""

from __future__ import annotations

import collections
import inspect
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from ansible import constants, context
from ansible.errors import AnsibleError
from ansible.executor.task_queue_manager import TaskQueueManager
from ansible.plugins.loader import strategy_loader
from ansible.plugins.strategy import StrategyBase

from herder.errors import UsageError
from herder.events import EventSink
from herder.language import core_version
from herder.language.callback_bridge import EventCallback
from herder.language.own_callbacks import only_wanted
from herder.language.passes import gives_values
from herder.language.reasons import HIDDEN, reason_of
from herder.language.shortcuts.results import begin_telling
from herder.language.waves import wave_of
from herder.language.workers import ResultQueue

FAILURES = frozenset({"v2_runner_on_failed", "v2_runner_on_unreachable"})
# A variable of a task that fails to tell why another one did (failed.yml of our deploy role).
TELLS_CAUSE = "deploy_tells_cause"
SKIPPED = {"changed": False, "skipped": True, "skip_reason": "left out of this pass"}
BUILT_IN = ("linear", "free", "host_pinned", "debug")
OWN_STRATEGIES = Path(inspect.getfile(StrategyBase)).parent
WAKE_SECONDS = 0.1


class QueueManager(TaskQueueManager):
    """Runs one play at a time; every callback is an event for the sinks too."""

    sinks: Sequence[EventSink] = ()
    is_quiet = False
    after_reset: Callable[[str], None]
    allow_programs: Callable[[int], None]
    forks_unsaid = 0
    course: Any = None
    only_values = False
    is_conducted = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._failures: dict[str, str] = {}
        forks = int(context.CLIARGS.get("forks") or 0)
        self.is_told_forks = forks != self.forks_unsaid
        if self.is_told_forks:
            # who says how many there are means those on the controller, too
            self.allow_programs(forks)

    def run(self, play: Any) -> int:
        """Run a play, or one pass of it when it is deployed."""
        if self.course is None:
            code: int = super().run(play)
            return code
        answer: int = self.course.run(self, play, super().run)
        return answer

    def _signal_handler(self, signum: int, frame: Any) -> None:
        """A deployment is ended in order however it is asked to, and however often.

        One that goes back by itself is at that already.

        *Source*: ansible-core 2.19 executor/task_queue_manager.py, same name: SIGTERM and a second
        Ctrl-C end the process where it stands.
        """
        if not self.is_conducted:
            super()._signal_handler(signum, frame)
        elif self.course is None or self.course.ends_when_asked():
            raise KeyboardInterrupt

    def forget_running(self, hosts: Iterable[str]) -> None:
        """End what runs on these hosts; results that still come are nobody's any more."""
        self._final_q: Any = ResultQueue()
        for host in hosts:
            self.after_reset(host)

    def send_callback(self, method_name: str, *args: Any, **kwargs: Any) -> None:
        if method_name in FAILURES and not kwargs.get("ignore_errors"):
            self._note_failure(args[0])
        begin_telling()
        super().send_callback(method_name, *args, **kwargs)

    def _note_failure(self, result: Any) -> None:
        host, facts = core_version.plain_result_of(result)
        is_hidden = result.task.no_log is True or core_version.is_hidden(result)
        text = HIDDEN if is_hidden else reason_of(facts)
        self._failures.pop(host, None)
        name = "" if TELLS_CAUSE in result.task.vars else f"{result.task.get_name().strip()}: "
        self._failures[host] = f"{name}{text}"

    def why_failed(self, host: str) -> str:
        """Say why a host failed: its own task, or the last that failed on another for all hosts."""
        if host in self._failures or not self._failures:
            return self._failures.get(host, "failed")
        other, text = next(reversed(self._failures.items()))
        return f"{text} (on {other})"

    def load_callbacks(self) -> None:
        if self._callback_plugins:
            return
        if self.is_quiet:
            self._stdout_callback_name = "ansible.builtin.default"
        wanted = {str(self._stdout_callback_name), *(("tree",) if self._run_tree else ())}
        with only_wanted(wanted):
            super().load_callbacks()
        if self.is_quiet:
            self._callback_plugins[0].disabled = True
        if self.sinks:
            self._callback_plugins.append(EventCallback(self.sinks))

    def _cleanup_processes(self) -> None:
        """Threads end by themselves; a run that is broken off does not wait for them."""


class WokenResults(collections.deque[Any]):
    """The strategy's queue of finished results; adding one wakes who waits for it."""

    def __init__(self) -> None:
        super().__init__()
        self.has_more = threading.Event()

    def append(self, result: Any) -> None:
        super().append(result)
        self.has_more.set()


class WokenStrategy(StrategyBase):
    """Mixed in before a strategy of ansible-core."""

    def __init__(self, tqm: Any) -> None:
        super().__init__(tqm)
        self._results: WokenResults = WokenResults()

    def _wait_on_pending_results(self, iterator: Any) -> list[Any]:
        """*Source*: ansible-core 2.19 plugins/strategy/__init__.py, same name."""
        found: list[Any] = []
        while self._pending_results > 0 and not self._tqm._terminated:
            self._results.has_more.clear()
            found.extend(self._process_pending_results(iterator))
            if self._tqm.has_dead_workers():
                raise AnsibleError("A worker was found in a dead state")
            if self._pending_results > 0:
                self._results.has_more.wait(WAKE_SECONDS)
        self._tell_course(found)
        return self._in_order_of_hosts(found)

    def _tell_course(self, results: list[Any]) -> None:
        if self._tqm.course is None:
            return
        for result in results:
            self._tqm.course.ended(
                result.task,
                result.host.name,
                has_changed=core_version.has_changed_well(result),
                is_skipped=core_version.is_skipped(result),
            )

    def _in_order_of_hosts(self, results: list[Any]) -> list[Any]:
        """What is made of the results (includes) does not depend on who was first."""
        places = {name: place for place, name in enumerate(self._hosts_cache)}
        return sorted(results, key=lambda result: places.get(result.host.name, -1))

    def _get_next_task_lockstep(self, hosts: Any, iterator: Any) -> list[tuple[Any, Any]]:
        """Pass over what the pass of a deployment leaves out."""
        while found := super()._get_next_task_lockstep(hosts, iterator):
            if self._may_run(*found[0]):
                self._make_waves(found, iterator._play)
                return list(found)
            self._register_skipped(found)
        return []

    def _make_waves(self, found: list[tuple[Any, Any]], play: Any) -> None:
        if self._tqm.is_told_forks:
            return
        for _host, task in found:
            if (wave := wave_of(task, play)) and not task.throttle:
                task.throttle = wave

    def _register_skipped(self, found: list[tuple[Any, Any]]) -> None:
        """Let `is skipped` hold for what a pass leaves out, where nothing is known of it yet."""
        name = found[0][1].register
        if not isinstance(name, str):
            return
        for host, _task in found:
            known = self._variable_manager._nonpersistent_fact_cache.get(host.name, {})
            if name not in known:
                facts = {name: dict(SKIPPED)}
                self._variable_manager.set_nonpersistent_facts(host.name, facts)

    def _may_run(self, host: Any, task: Any) -> bool:
        manager = self._tqm
        if manager.course is not None:
            return bool(manager.course.may_run(task, host.name))
        return not manager.only_values or gives_values(task)

    def _queue_task(self, host: Any, task: Any, *args: Any) -> None:
        if self._tqm.course is not None:
            self._tqm.course.began(task, host.name)
        super()._queue_task(host, task, *args)

    def get_task_hosts(self, iterator: Any, task_host: Any, task: Any) -> list[str]:
        """What runs once in a deployment is known on the hosts of all its batches."""
        names: list[str] = super().get_task_hosts(iterator, task_host, task)
        if self._tqm.course is None or not task.run_once:
            return names
        return [*names, *(name for name in self._hosts_cache_all if name not in names)]

    def _execute_meta(self, task: Any, *args: Any, **kwargs: Any) -> Any:
        answer = super()._execute_meta(task, *args, **kwargs)
        if task._get_meta() == "reset_connection":
            for result in answer:
                self._tqm.after_reset(result.host.name)
        return answer


def choose_strategy(name: str, manager: Any) -> Any:
    """Give the play's strategy.

    *Raises*: AnsibleError for a strategy that is not one of ansible-core's own.
    """
    plugin_class = strategy_loader.get(name, class_only=True)
    if plugin_class is None:
        return None
    if Path(inspect.getfile(plugin_class)).parent != OWN_STRATEGIES:
        raise AnsibleError(
            f"Herder cannot use the strategy plugin {name!r}: third-party strategies replace how "
            "tasks are executed, which is what Herder itself does",
            help_text=f"Use one of {', '.join(BUILT_IN[:3])}.",
        )
    return type("StrategyModule", (WokenStrategy, plugin_class), {})(manager)


def hosts_at_once(limit: int) -> int:
    """Give the number of hosts that run at once: what the user set, else as many as allowed."""
    value, origin = constants.config.get_config_value_and_origin("DEFAULT_FORKS")
    forks = int(value)
    if forks < 1:
        raise UsageError(f"the number of forks must be 1 or more, saw {forks}")
    return limit if origin == "default" else forks
