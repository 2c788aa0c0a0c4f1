"""ansible-core's queue manager and its strategies, told of our workers and event sinks.

The strategies decide who takes the next step exactly as in ansible-core; here they only wait for
results by being woken instead of by polling.
"""

from __future__ import annotations

import collections
import threading
from collections.abc import Callable, Sequence
from typing import Any

from ansible import constants
from ansible.errors import AnsibleError
from ansible.executor.task_queue_manager import TaskQueueManager
from ansible.plugins.loader import strategy_loader
from ansible.plugins.strategy import StrategyBase

from herder.errors import UsageError
from herder.events import EventSink
from herder.language.callback_bridge import EventCallback

BUILT_IN = ("linear", "free", "host_pinned", "debug")
WAKE_SECONDS = 0.1


class QueueManager(TaskQueueManager):
    """Runs one play at a time; every callback is an event for the sinks too."""

    sinks: Sequence[EventSink] = ()
    is_quiet = False
    after_reset: Callable[[str], None]

    def load_callbacks(self) -> None:
        if self._callback_plugins:
            return
        if self.is_quiet:
            self._stdout_callback_name = "ansible.builtin.default"
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
            if self._pending_results > 0:
                self._results.has_more.wait(WAKE_SECONDS)
        return self._in_order_of_hosts(found)

    def _in_order_of_hosts(self, results: list[Any]) -> list[Any]:
        """What is made of the results (includes) does not depend on who was first."""
        places = {name: place for place, name in enumerate(self._hosts_cache)}
        return sorted(results, key=lambda result: places.get(result.host.name, -1))

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
    if not plugin_class.__module__.startswith("ansible.plugins.strategy"):
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
