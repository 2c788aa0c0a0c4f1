"""What a run of ansible-core's commands is given by who starts it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from herder import collections
from herder.events import EventSink
from herder.language.blocking import LoopThread
from herder.model.ports import Sessions, Trail


@dataclass(frozen=True)
class Surroundings:
    """What a run is given: the sessions and their loop, who is told, how many hosts at once.

    `given` are variables for a deployment's playbook, as strong as those of `-e`. `more_help`
    stands below the options that ansible-core's help tells.
    """

    sessions: Sessions
    loop: LoopThread
    sinks: tuple[EventSink, ...] = ()
    is_quiet: bool = False
    during_prompt: Callable[[], AbstractContextManager[None]] = nullcontext
    say: Callable[[str], None] = print
    hosts_limit: int = 500
    more_help: str = ""
    given: Mapping[str, object] = field(default_factory=dict)
    collections_directory: Path = Path(collections.__file__).parent
    cache_directory: Path = Path("~/.cache/herder")
    trail: Trail | None = None
