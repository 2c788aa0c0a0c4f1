"""All variables of a host, wrapped for lazy templating with the wrappers of the template before.

For each template that it renders, ansible-core wraps every variable there is, gathered facts
included, into an object that says "not looked at yet". The wrappers never change, so one of the
same value serves again.

*Source*: ansible-core 2.19 and 2.21 _internal/_templating/_lazy_containers.py,
`_AnsibleLazyTemplateDict._lazy_values`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from ansible._internal._templating import _lazy_containers
from ansible._internal._templating._utils import TemplateContext

from herder.language.exchanged import around

# Smaller ones are not a host's variables.
WORTH_KEEPING = 24


class _OfThread(threading.local):
    """The wrappers of the mapping that this thread wrapped last, by the names of the values."""

    def __init__(self) -> None:
        self.wrappers: dict[Any, Any] = {}


_of_thread = _OfThread()
_None = _lazy_containers._LazyValue(_OfThread)


def keep_wrappers() -> None:
    """Exchange the method; a second call changes nothing."""
    kind = _lazy_containers._AnsibleLazyTemplateDict
    if not hasattr(kind._lazy_values, "herder_original"):
        kind._lazy_values = staticmethod(around(kind._lazy_values, _lazy_values))


def _lazy_values(original: Callable[..., Any], values: Any, lazy_options: Any) -> Any:
    if len(values) < WORTH_KEEPING or type(values) is not dict:
        return original(values, lazy_options)
    return _lazy_containers._LazyValueSource(
        source=_wrapped(values).items(),
        templar=TemplateContext.current().templar,
        lazy_options=lazy_options,
    )


def _wrapped(values: dict[Any, Any]) -> dict[Any, Any]:
    last, fresh = _of_thread.wrappers.get, _lazy_containers._LazyValue
    wrapped = {
        name: wrapper if (wrapper := last(name, _None)).value is value else fresh(value)
        for name, value in values.items()
    }
    _of_thread.wrappers = wrapped
    return wrapped
