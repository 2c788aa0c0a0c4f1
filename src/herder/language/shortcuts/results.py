"""What callbacks are shown of a result: copied and cleaned once, in one go.

ansible-core 2.19 copies a result deeply for each callback and then looks for keys to remove.
Later versions make what is shown only when it is read.

*Source*: ansible-core 2.19 executor/task_result.py (`as_callback_task_result`), vars/clean.py
(`module_response_deepcopy`, `strip_internal_keys`), utils/vars.py (`transform_to_native_types`).
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, MutableSequence
from typing import Any

from ansible import constants
from ansible.executor import task_result
from ansible.vars.clean import module_response_deepcopy, strip_internal_keys

from herder.language.shortcuts.fields import UNCHANGEABLE

INTERNAL = "_ansible_"


class _OneResult:
    """The result that callbacks are being told of, as they may see it."""

    def __init__(self) -> None:
        self.raw: Any = None
        self.shown: Any = None


_told = _OneResult()


def begin_telling() -> None:
    """Callbacks are to be told of something: a result is looked at anew."""
    _told.raw = None


def callback_result(original: Callable[..., Any], raw: Any) -> Any:
    """Each callback gets an object of its own, which copies when it is read; the rest is shared."""
    if _told.raw is not raw:
        _told.raw, _told.shown = raw, _cleaned(raw) or original(raw)
    shown = _told.shown
    twin = object.__new__(type(shown))
    twin.__dict__.update(shown.__dict__)
    return twin


def _cleaned(raw: Any) -> Any:
    """Give what is shown of a plain result, None for one that has anything to hide or to keep."""
    data, task = raw._return_data, raw.task
    is_hidden = (isinstance(task.no_log, bool) and task.no_log) or data.get("_ansible_no_log")
    if is_hidden or type(data) is not dict or task_result._SUB_PRESERVE.keys() & data.keys():
        return None
    ignored: tuple[str, ...] = task_result._IGNORE
    if task.action in constants._ACTION_DEBUG:
        ignored = (*ignored, "invocation")
    shown = {
        name: _stripped(value)
        for name, value in data.items()
        if name not in ignored and not _is_internal(name)
    }
    return task_result.CallbackTaskResult(raw.host, task, shown, raw.task_fields)


def _is_internal(name: Any) -> bool:
    return (
        isinstance(name, str)
        and name.startswith(INTERNAL)
        and name not in task_result.CLEAN_EXCEPTIONS
    )


def _stripped(value: Any) -> Any:
    """Give a deep copy without ansible-core's own keys."""
    kind = type(value)
    if kind in UNCHANGEABLE:
        return value
    if kind is dict:
        return {
            name: held if type(held) in UNCHANGEABLE else _stripped(held)
            for name, held in value.items()
            if not _is_internal(name)
        }
    if kind is list:
        return [held if type(held) in UNCHANGEABLE else _stripped(held) for held in value]
    twin = module_response_deepcopy(value)
    if isinstance(twin, (MutableMapping, MutableSequence)):
        strip_internal_keys(twin, exceptions=task_result.CLEAN_EXCEPTIONS)
    return twin


def native(original: Callable[..., Any], value: Any, redact: bool = True) -> Any:
    """Plain values need only be copied; whatever else is in them takes the long way."""
    kind = type(value)
    if kind in UNCHANGEABLE:
        return value
    if kind is dict:
        if all(map(UNCHANGEABLE.__contains__, map(type, value))):
            return {
                name: held if type(held) in UNCHANGEABLE else native(original, held, redact)
                for name, held in value.items()
            }
        return {
            native(original, name, redact): native(original, held, redact)
            for name, held in value.items()
        }
    if kind is list:
        return [
            held if type(held) in UNCHANGEABLE else native(original, held, redact) for held in value
        ]
    return original(value, redact)
