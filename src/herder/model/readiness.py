"""What would bite a site on several servers: what was seen of each host, and the findings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend: where, what was seen there, why it matters, what to do."""

    host: str
    what: str
    evidence: str
    why: str
    todo: str


@dataclass(frozen=True, slots=True)
class Probe:
    """How an address answered; `status` is 0 when it did not."""

    status: int = 0
    body: str = ""


@dataclass(frozen=True, slots=True)
class HostSight:
    """What was seen of one host.

    *Shapes*: `packages` name -> version; `files` path -> digest of the text without the host's own
    names; `settings` name -> value of what tells of databases, caches, sessions and uploads;
    `folders` path -> '<file system> <number of files>'; `proxy` are lines of the web server's
    configuration; `pending` are migrations.
    *Units*: `clock_seconds` is how far the clock is ahead of ours, 0 within what asking took.
    """

    host: str
    failure: str = ""
    release: str = ""
    python: str = ""
    system: str = ""
    clock_seconds: float = 0.0
    packages: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    folders: Mapping[str, str] = field(default_factory=dict)
    proxy: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    health: Probe | None = None
    wrong_name: Probe | None = None
