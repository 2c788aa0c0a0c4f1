"""What one sandbox is told: a job, as JSON over the border between the namespaces."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from conformance.commands import Engine


@dataclass(frozen=True, slots=True)
class Interpreter:
    """The virtual environment under test: its folder, and the versions it has."""

    folder: str
    python_version: str
    core_version: str


@dataclass(frozen=True, slots=True)
class Job:
    """Run one target once.

    *Shapes*: `source` is the unpacked ansible-core source, `code` the folder that holds the package
    herder, `layers` are folders laid over the root file system, topmost first; `scratch` is an
    empty folder to mount on, `record` the file outside that gets the recaps, `wheels` a folder
    for pip or ''.
    """

    target: str
    engine: Engine
    interpreter: Interpreter
    source: str
    code: str
    layers: tuple[str, ...]
    scratch: str
    record: str
    wheels: str = ""
    timeout_seconds: float = 180.0
    locale: str = "C.UTF-8"
    verbosity: int = 0
    environment: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        return json.dumps(asdict(self) | {"engine": self.engine.value})

    @classmethod
    def from_json(cls, text: str) -> Job:
        values: dict[str, Any] = json.loads(text)
        values["engine"] = Engine(values["engine"])
        values["interpreter"] = Interpreter(**values["interpreter"])
        values["layers"] = tuple(values["layers"])
        return cls(**values)
