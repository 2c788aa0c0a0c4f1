"""What holds for the code called from a `with` block, in this thread alone."""

from __future__ import annotations

import contextvars


class ContextFlag:
    """A yes or no that holds for the code called from a `with` block, in this thread."""

    def __init__(self, name: str) -> None:
        self._value: contextvars.ContextVar[bool] = contextvars.ContextVar(name, default=False)

    def is_set(self) -> bool:
        return self._value.get()

    def set_to(self, value: bool) -> _FlagSet:
        return _FlagSet(self._value, value)


class _FlagSet:
    """The `with` block of a flag; a generator would cost three times as much, in each task."""

    def __init__(self, flag: contextvars.ContextVar[bool], value: bool) -> None:
        self._flag = flag
        self._value = value

    def __enter__(self) -> None:
        self._token = self._flag.set(self._value)

    def __exit__(self, *_: object) -> None:
        self._flag.reset(self._token)
