"""One JSON object a line for each event, for programs that follow a run."""

from __future__ import annotations

import dataclasses
import enum
import json
import re
from collections.abc import Callable, Mapping
from typing import TextIO

from herder.events import Event


class JsonLines:
    """Writes each event to `stream` as it happens.

    *Shapes*: {"event": "host_task_finished", "seconds_since_start": 1.25, ...the event's own
    fields}; enums are their values; what JSON does not have becomes its text. When the reader has
    gone (`| head`), the rest is not written: the run goes on.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float]) -> None:
        self._stream = stream
        self._clock = clock
        self._started = clock()
        self._is_read = True

    def tell(self, event: Event) -> None:
        line = {
            "event": event_name(type(event)),
            "seconds_since_start": round(self._clock() - self._started, 3),
            **plain_fields(event),
        }
        self._write(json.dumps(line, default=as_plain, skipkeys=True) + "\n")

    def close(self) -> None:
        self._write("")

    def _write(self, text: str) -> None:
        if not self._is_read:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except BrokenPipeError:
            self._is_read = False


def event_name(kind: type[Event]) -> str:
    """Give the event's name in words: HostTaskFinished is 'host_task_finished'."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()


def plain_fields(thing: Event) -> dict[str, object]:
    """Give the fields of an event; what is nested is left to `as_plain`."""
    return {field.name: getattr(thing, field.name) for field in dataclasses.fields(thing)}


def as_plain(value: object) -> object:
    """Give JSON's form of what the encoder does not know."""
    if isinstance(value, enum.Enum):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(map(str, value))
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value)
