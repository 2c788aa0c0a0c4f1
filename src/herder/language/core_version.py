"""Where versions of ansible-core differ, and the private names of it that our rooms need.

Supported are ansible-core 2.19 to 2.21. What is exchanged in ansible-core is exchanged here:
the class of its workers and of its result queue, its choice of a strategy, its module builder,
its alarm. Each exchange is made once per process and named for what it does.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import functools
import inspect
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible import constants, release
from ansible._internal import _task
from ansible._internal._errors import _error_utils, _task_timeout
from ansible._internal._templating._engine import TemplateOptions
from ansible.cli import playbook as playbook_command
from ansible.errors import AnsibleAuthenticationFailure, AnsibleError
from ansible.executor import module_common, playbook_executor, task_queue_manager, task_result
from ansible.executor.task_executor import TaskExecutor
from ansible.module_utils.common.text.converters import to_text
from ansible.plugins import action as action_module
from ansible.plugins import strategy as strategy_module
from ansible.template import trust_as_template
from ansible.utils.display import Display

from herder.errors import HerderError
from herder.language.deadlines import task_timeout

__all__ = ["AnsibleError", "to_text"]

SUPPORTED = ((2, 19), (2, 21))

_modify_module = action_module.modify_module
_has_unified_results = "task" not in inspect.signature(TaskExecutor.__init__).parameters


class UnsupportedCore(HerderError):
    """The installed ansible-core is outside of what Herder was tested with."""

    reference = "unsupported-ansible-core"


def check() -> None:
    """*Raises*: UnsupportedCore when the installed ansible-core is not one of those supported."""
    version = tuple(int(part) for part in release.__version__.split(".")[:2])
    if not SUPPORTED[0] <= version <= SUPPORTED[1]:
        raise UnsupportedCore(
            f"ansible-core {release.__version__} is installed, expected 2.19 to 2.21",
            hint="pip install 'ansible-core>=2.19,<2.22'",
        )


def build_module(**words: Any) -> Any:
    """Let ansible-core build a module as it does for its own executor."""
    return _modify_module(**words)


def built_module(profile: str) -> Any:
    """Give this version's record of a new-style Python module, without its program text."""
    return module_common._BuiltModule(
        b_module_data=b"", module_style="new", shebang=None, serialization_profile=profile
    )


def replace_module_builder(build: Callable[..., Any], *, wanted: Callable[[], bool]) -> None:
    """Where `wanted` says so, action plugins get their modules from `build`."""

    def modify_module(**words: Any) -> Any:
        return build(**words) if wanted() else _modify_module(**words)

    action_module.modify_module = modify_module


def own_interpreter(module_path: str) -> str:
    """Give the interpreter a module's first line names."""
    with open(module_path, "rb") as source:
        interpreter, _arguments = module_common._extract_interpreter(source.read(4096))
    return interpreter or "/usr/bin/python"


def shebang_for(interpreter: str, task_vars: Any, templar: Any, is_local: bool) -> str:
    """Give the first line for this host.

    *Raises*: ansible-core's InterpreterDiscoveryRequiredError, which its caller answers.
    """
    shebang, _interpreter = module_common._get_shebang(
        interpreter, task_vars, templar, remote_is_local=is_local
    )
    return str(shebang)


def key_in_agent(connection: Any) -> str:
    """Put an ssh connection's private key into the ssh agent; give the file of its public half.

    *Raises*: AnsibleAuthenticationFailure when there is no agent or it does not take the key.
    """
    try:
        return str(connection._populate_agent())
    except Exception as error:
        message = "Failed to add configured private key into ssh-agent."
        raise AnsibleAuthenticationFailure(message) from error


def number_or_zero(templar: Any, template: Any) -> int:
    """Give the whole number that a template gives; `omit` is 0."""
    return int(templar._engine.template(template, options=TemplateOptions(value_for_omit=0)))


def run_task(worker: Any, executor_for: Callable[[Any], Any]) -> None:
    """Run a worker's task to its result and hand that to the worker's queue.

    *Source*: ansible-core 2.19 and 2.21 executor/process/worker.py, `run` and `_run`.
    """
    if _has_unified_results:
        _run_unified(worker, executor_for)
    else:
        _run_with_dicts(worker, executor_for)


def has_changed_well(result: Any) -> bool:
    """Say whether what a strategy got for a host and task is a change that came to its end.

    *Source*: ansible-core 2.19 executor/task_result.py, 2.21 _internal/_task.py `HostTaskResult`.
    """
    if _has_unified_results:
        told = result.utr
        return bool(told.changed and not (told.failed or told.unreachable or told.skipped))
    is_bad = result.is_failed() or result.is_unreachable() or result.is_skipped()
    return bool(result.is_changed() and not is_bad)


def is_skipped(result: Any) -> bool:
    """Say whether a task was skipped on a host, with all items of its loop.

    *Source*: as of `has_changed_well`.
    """
    return bool(result.utr.skipped if _has_unified_results else result.is_skipped())


def is_isolated(variables: Any) -> bool:
    """Say whether what a task starts on the controller is to have no terminal.

    *Source*: ansible-core 2.21 config/base.yml, WORKER_SESSION_ISOLATION; 2.19 always isolates.
    """
    try:
        wanted = constants.config.get_config_value(_ISOLATION, variables=variables)
    except AnsibleError:
        return True
    return bool(wanted)


_ISOLATION = "WORKER_SESSION_ISOLATION"


def is_well(result: Any) -> bool:
    """Say whether what a task executor gives is neither failed nor unreachable."""
    if _has_unified_results:
        return not (result.failed or result.unreachable)
    return not (result.get("failed") or result.get("unreachable"))


def _run_unified(worker: Any, executor_for: Callable[[Any], Any]) -> None:
    task, host = worker._task, worker._host
    with _task.TaskContext.create(task=task, task_vars=worker._task_vars, host_name=host.name):
        task.squash()
        result = executor_for(worker).run()
        result.finalize_registered_values()
        if error := _sending_error(result.as_result_dict()):
            result = _task.UnifiedTaskResult.create_from_action_exception(error)
            result.finalize_registered_values()
    task.ignore_errors = result.ignore_errors
    task.ignore_unreachable = result.ignore_unreachable
    worker._final_q.send_task_result(host, task, result)


def _run_with_dicts(worker: Any, executor_for: Callable[[Any], Any]) -> None:
    with _task.TaskContext(worker._task):
        data = executor_for(worker).run()
        error = _sending_error(data)
    _send_dict(worker, _error_utils.result_dict_from_exception(error) if error else data)


def _sending_error(data: Any) -> AnsibleError | None:
    """Give why a worker process could not send this result: it can hold nothing but data."""
    try:
        pickle.dumps(data)
    except Exception as cause:  # noqa: BLE001 -- what plugins' objects raise may be anything
        error = AnsibleError("Task result omitted due to queue send failure.")
        error.__cause__ = cause
        return error
    return None


def _send_dict(worker: Any, data: dict[str, Any]) -> None:
    result = task_result._RawTaskResult(
        host=worker._host,
        task=worker._task,
        return_data=data,
        task_fields=worker._task.dump_attrs(),
    )
    worker._final_q.send_task_result(result)


def as_sent(item: Any) -> Any:
    """Give what a worker sends as it is now: what callbacks are told of changes with its task.

    A worker process sends a copy. Here its thread goes on with the very object, and takes the
    warnings out of an item, for one, while callbacks are still told of it.

    *Source*: ansible-core 2.19 and 2.21 executor/task_queue_manager.py, `CallbackSend`.
    """
    if not isinstance(item, task_queue_manager.CallbackSend):
        return item
    told, name = item.wire_task_result, "utr" if _has_unified_results else "return_data"
    copied = dataclasses.replace(told, **{name: copy.copy(getattr(told, name))})
    return dataclasses.replace(item, wire_task_result=copied)


def plain_result(*result: Any) -> tuple[str, dict[str, Any]]:
    """Give host name and result from what a worker sends, as plain data."""
    if _has_unified_results:
        host, _task_of_result, unified = result
        return str(host.name), dict(unified.as_result_dict())
    return str(result[0].host.name), dict(result[0]._return_data)


def replace_extra_vars(manager: Any, variables: dict[str, Any]) -> None:
    """Give a variable manager other extra variables; in a dict of their own.

    By that alone it is known that what was merged with the former ones does not hold any more.
    """
    manager._extra_vars = variables


def forget_completed_roles(play: Any) -> None:
    """Let the roles of a play run again on hosts where they ran in an earlier pass."""
    for roles in play.role_cache.values():
        for role in roles:
            role._completed.clear()
            role._had_task_run.clear()


def plain_result_of(result: Any) -> tuple[str, dict[str, Any]]:
    """Give host name and result of what a strategy reports."""
    if _has_unified_results:
        return str(result.host.name), dict(result.utr.as_result_dict())
    return str(result.host.name), dict(result._return_data)


def is_hidden(result: Any) -> bool:
    """Tell whether no_log hides what a strategy reports, or an item of it.

    *Source*: ansible-core 2.19 executor/task_executor.py, run; 2.21 _internal/_task.py.
    """
    if _has_unified_results:
        return bool(result.utr.no_log)
    return bool(result._return_data.get("_ansible_no_log"))


def trusted(text: str) -> str:
    """Mark a text of ours as a template."""
    tagged: str = trust_as_template(text)
    return tagged


def executor_arguments(worker: Any) -> dict[str, Any]:
    """Give what this version's TaskExecutor is made with."""
    words = {
        "host": worker._host,
        "play_context": worker._play_context,
        "loader": worker._loader,
        "shared_loader_obj": worker._shared_loader_obj,
        "final_q": worker._final_q,
        "variable_manager": worker._variable_manager,
    }
    if not _has_unified_results:
        words |= {"task": worker._task, "job_vars": worker._task_vars}
    return words


def report_broken_worker(worker: Any, error: BaseException) -> None:
    """Send a failed result for a worker that broke, so that the play goes on."""
    if _has_unified_results:
        result = _task.UnifiedTaskResult.create_from_action_exception(error)
        result.finalize_registered_values()
        worker._final_q.send_task_result(worker._host, worker._task, result)
        return
    message = f"Unexpected failure during task execution: {error}"
    _send_dict(worker, {"failed": True, "msg": message})


def replace_workers(worker_class: Callable[..., Any], queue_class: type[Any]) -> None:
    """Tasks run in what `worker_class` makes, and results come through `queue_class`."""
    strategy_module.WorkerProcess = worker_class
    task_queue_manager.FinalQueue = queue_class


def replace_strategies(choose: Callable[[str, Any], Any]) -> None:
    """Plays get their strategy from `choose(name, queue_manager)`."""

    class Strategies:
        get = staticmethod(choose)

    task_queue_manager.strategy_loader = Strategies


def add_collections(directory: Path) -> None:
    """Find the collections in `directory` too, after those of the user."""
    if str(directory) not in constants.COLLECTIONS_PATHS:
        constants.COLLECTIONS_PATHS.append(str(directory))


PROMPTS = ("prompt", "do_var_prompt", "prompt_until")


def surround_display(
    names: tuple[str, ...], during: Callable[[], contextlib.AbstractContextManager[None]]
) -> None:
    """These methods of ansible-core's display run inside what `during` gives."""
    for name in names:
        is_static = isinstance(inspect.getattr_static(Display, name), staticmethod)
        method = getattr(Display, name)
        surrounded = _surrounded(getattr(method, "herder_original", method), during)
        setattr(Display, name, staticmethod(surrounded) if is_static else surrounded)


def _surrounded(original: Callable[..., Any], during: Callable[[], Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def method(*args: Any, **kwargs: Any) -> Any:
        with during():
            return original(*args, **kwargs)

    method.herder_original = original  # type: ignore[attr-defined] # marks what is exchanged
    return method


def replace_playbook_executor(executor_class: type[Any]) -> None:
    """The command for playbooks runs them with this executor."""
    playbook_command.PlaybookExecutor = executor_class


def replace_queue_manager(manager_class: type[Any], *modules: Any) -> None:
    """The playbook executor, and each of `modules`, makes this kind of queue manager."""
    for module in (playbook_executor, *modules):
        module.TaskQueueManager = manager_class


def replace_alarm() -> None:
    """Task timeouts work in threads, where a signal cannot be caught."""
    error = _task_timeout.TaskTimeoutError
    error.alarm_timeout = classmethod(task_timeout)
