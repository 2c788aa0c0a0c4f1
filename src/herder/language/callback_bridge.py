"""An Ansible callback plugin that turns what callbacks are told into our events.

Results come through ansible-core's public callback results, so they are already censored
(`no_log`) and free of its internal types.
"""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Sequence
from typing import Any

from ansible.errors import AnsibleError
from ansible.playbook.handler import Handler
from ansible.plugins.callback import CallbackBase

from herder.events import (
    Event,
    EventSink,
    FileDiffed,
    FileIncluded,
    HandlerNotified,
    HostsMissing,
    HostTaskFinished,
    HostTaskStarted,
    HostTotals,
    ItemFinished,
    Outcome,
    PlaybookFinished,
    PlaybookStarted,
    PlayStarted,
    TaskLabel,
    TaskRetried,
    TaskStarted,
)

log = logging.getLogger("herder.language")


class EventCallback(CallbackBase):
    """Told by the queue manager; tells every sink, and drops a sink that raises."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "herder_events"

    def __init__(self, sinks: Sequence[EventSink]) -> None:
        super().__init__()
        self._init_callback_methods()
        self._sinks = list(sinks)
        self._started: dict[tuple[str, str], float] = {}
        self._load_name = self.CALLBACK_NAME

    def set_options(self, *_: Any, **__: Any) -> None:
        """This callback has no options."""

    def _tell(self, event: Event) -> None:
        for sink in list(self._sinks):
            try:
                sink.tell(event)
            except Exception:
                log.exception("a sink failed and is dropped: %s", type(sink).__name__)
                self._sinks.remove(sink)

    def v2_playbook_on_start(self, playbook: Any) -> None:
        self._tell(PlaybookStarted(str(playbook._file_name)))

    def v2_playbook_on_play_start(self, play: Any) -> None:
        manager = play.get_variable_manager()
        hosts = manager._inventory.get_hosts(play.hosts) if manager and manager._inventory else []
        names = tuple(str(host.name) for host in hosts)
        self._tell(PlayStarted(play.get_name().strip(), names, bool(play.check_mode)))

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._tell(TaskStarted(_label(task)))

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        self._tell(TaskStarted(_label(task)))

    def v2_playbook_on_no_hosts_matched(self) -> None:
        self._tell(HostsMissing(matched=False))

    def v2_playbook_on_no_hosts_remaining(self) -> None:
        self._tell(HostsMissing(matched=True))

    def v2_playbook_on_notify(self, handler: Any, host: Any) -> None:
        self._tell(HandlerNotified(str(host), str(handler.get_name())))

    def v2_playbook_on_include(self, included_file: Any) -> None:
        hosts = tuple(str(host.name) for host in included_file._hosts)
        self._tell(FileIncluded(str(included_file._filename), hosts))

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        self._started[host.name, task._uuid] = time.monotonic()
        self._tell(HostTaskStarted(str(host.name), _label(task)))

    def v2_runner_on_ok(self, result: Any) -> None:
        self._finish(result, Outcome.CHANGED if result.is_changed() else Outcome.OK)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._finish(result, Outcome.IGNORED if ignore_errors else Outcome.FAILED)

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._finish(result, Outcome.SKIPPED)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._finish(result, Outcome.UNREACHABLE)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        self._finish_item(result, Outcome.CHANGED if result.is_changed() else Outcome.OK)

    def v2_runner_item_on_failed(self, result: Any) -> None:
        self._finish_item(result, Outcome.FAILED)

    def v2_runner_item_on_skipped(self, result: Any) -> None:
        self._finish_item(result, Outcome.SKIPPED)

    def v2_runner_retry(self, result: Any) -> None:
        facts = _facts(result)
        attempt = int(facts.get("attempts", 0))
        left = int(facts.get("retries", 0)) - attempt
        self._tell(TaskRetried(str(result.host.name), _label(result.task), attempt, left))

    def v2_on_file_diff(self, result: Any) -> None:
        for text in self._diffs(_facts(result)):
            self._tell(FileDiffed(str(result.host.name), _label(result.task), text))

    def _diffs(self, result: Any) -> list[str]:
        """A task's own diff, or those of its changed items."""
        if "results" in result and isinstance(result["results"], list):
            holders = [item for item in result["results"] if isinstance(item, dict)]
        else:
            holders = [result]
        wanted = [holder["diff"] for holder in holders if holder.get("diff")]
        return [text for text in (self._get_diff(diff) for diff in wanted) if text]

    def v2_playbook_on_stats(self, stats: Any) -> None:
        totals = tuple(_totals(host, stats.summarize(host)) for host in sorted(stats.processed))
        self._tell(PlaybookFinished(totals, dict(stats.custom)))

    def _finish(self, result: Any, outcome: Outcome) -> None:
        host = str(result.host.name)
        started = self._started.pop((host, result.task._uuid), time.monotonic())
        seconds = time.monotonic() - started
        facts = _facts(result)
        self._tell(HostTaskFinished(host, _label(result.task), outcome, seconds, facts))

    def _finish_item(self, result: Any, outcome: Outcome) -> None:
        facts = _facts(result)
        label = str(self._get_item_label(facts))
        self._tell(ItemFinished(str(result.host.name), _label(result.task), label, outcome, facts))


def _facts(result: Any) -> dict[str, Any]:
    """Give what a task told; nothing when a plugin told what no variable can hold.

    The callback for standard output is the one that complains of that.
    """
    try:
        return dict(result.result)
    except AnsibleError:
        return {}


def _label(task: Any) -> TaskLabel:
    is_handler = isinstance(task, Handler)
    return _kept_label(task._uuid, task.get_name(), task.action, task.get_path(), is_handler)


@functools.lru_cache(maxsize=1000)
def _kept_label(identity: Any, name: Any, action: Any, path: Any, is_handler: bool) -> TaskLabel:
    """The same for all hosts, as long as a template in its name gives the same."""
    return TaskLabel(
        id=str(identity),
        name=str(name).strip(),
        action=str(action),
        path=str(path or ""),
        is_handler=is_handler,
    )


def _totals(host: str, summary: dict[str, int]) -> HostTotals:
    return HostTotals(
        host=host,
        ok=summary["ok"],
        changed=summary["changed"],
        unreachable=summary["unreachable"],
        failed=summary["failures"],
        skipped=summary["skipped"],
        rescued=summary["rescued"],
        ignored=summary["ignored"],
    )
