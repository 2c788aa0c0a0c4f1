"""Where a command connected first, kept for when the very same command is given again.

A plan says which program is started as which user, so only one that the user alone could have
written is believed; it holds no password and is right or useless: what it was made from is
compared first. See docs/decisions/0013.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shlex
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from herder.kept_file import drop_oldest, replace_file
from herder.model.route import Route, SshWay
from herder.record.trail import mark_of

FORMAT = 2
PLANS_LIMIT = 200
_SIZE_LIMIT_BYTES = 4 * 1024 * 1024
_COMMAND_OR_VALUE = re.compile(r"(?i)(setenv|\w*command)\s*[=\s]\s*(?P<rest>.*)", re.DOTALL)
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH

# What tells one terminal or login from another and nothing of where a playbook leads.
_OF_A_TERMINAL = frozenset(
    {
        "_",
        "COLORTERM",
        "COLUMNS",
        "DBUS_SESSION_BUS_ADDRESS",
        "DISPLAY",
        "GPG_TTY",
        "INVOCATION_ID",
        "ITERM_SESSION_ID",
        "JOURNAL_STREAM",
        "KITTY_WINDOW_ID",
        "LINES",
        "LS_COLORS",
        "OLDPWD",
        "PWD",
        "SHLVL",
        "SSH_AGENT_PID",
        "SSH_AUTH_SOCK",
        "SSH_CLIENT",
        "SSH_CONNECTION",
        "SSH_TTY",
        "STY",
        "SYSTEMD_EXEC_PID",
        "TERM",
        "TERM_PROGRAM",
        "TERM_PROGRAM_VERSION",
        "TERM_SESSION_ID",
        "TMUX",
        "TMUX_PANE",
        "VTE_VERSION",
        "WAYLAND_DISPLAY",
        "WINDOW",
        "WINDOWID",
        "XDG_SESSION_ID",
    }
)


@dataclass(frozen=True, slots=True)
class RoutePlan:
    """Routes in the order they were asked for, and the marks of all paths that decided them."""

    marks: Mapping[str, str]
    routes: tuple[Route, ...]

    def holds(self) -> bool:
        """Whether every path leads to what it led to."""
        return all(mark_of(path) == mark for path, mark in self.marks.items())


@dataclass(frozen=True, slots=True)
class CommandKey:
    """What makes a command the very same: its words, where, by whom and with which programs."""

    program: str
    words: tuple[str, ...]
    directory: str
    directory_mode: int
    user: tuple[int, int]
    versions: tuple[str, ...]

    def digest(self, environment: Mapping[str, str]) -> str:
        """Give its name; of what a terminal or login sets only whether there is an ssh agent."""
        decisive = {name: environment[name] for name in environment.keys() - _OF_A_TERMINAL}
        parts = (
            FORMAT, self.program, self.words, self.directory, self.directory_mode, self.user,
            self.versions, sorted(decisive.items()), "SSH_AUTH_SOCK" in environment,
        )  # fmt: skip
        return hashlib.sha256(repr(parts).encode("utf-8", "surrogateescape")).hexdigest()


def may_be_kept(route: Route) -> bool:
    """Whether a route is plain ssh as the login user, without anything that could be a secret."""
    way = route.way
    if route.become is not None or not isinstance(way, SshWay) or way.password is not None:
        return False
    return not any(_may_be_secret(word) for word in way.arguments)


def _may_be_secret(word: str) -> bool:
    """Programs on the way may be given a password in words, such as sshpass; ssh itself is not."""
    found = _COMMAND_OR_VALUE.search(word)
    if found is None:
        return False
    try:
        program = shlex.split(found["rest"])[:1]
    except ValueError:
        return True
    return [PurePath(each).name for each in program] != ["ssh"] or "sshpass" in word


class PlanShelf:
    """Plans by name, in a directory of the user's own; the oldest of very many go."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def get(self, name: str) -> RoutePlan | None:
        """Give the plan of this name; None when there is none that can be believed."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            if self._is_own():
                return _plan_from(json.loads(self._read(name)))
        return None

    def keep(self, name: str, plan: RoutePlan) -> None:
        """Keep a plan; without room or permission nothing is kept and nothing is said."""
        with contextlib.suppress(OSError, ValueError):
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._is_own():
                replace_file(self._directory / name, json.dumps(_json_of(plan)).encode())
                drop_oldest(self._directory, PLANS_LIMIT)

    def drop(self, name: str) -> None:
        """Forget a plan."""
        with contextlib.suppress(OSError):
            (self._directory / name).unlink(missing_ok=True)

    def _is_own(self) -> bool:
        return _is_ours_alone(self._directory.lstat(), stat.S_IFDIR)

    def _read(self, name: str) -> bytes:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(self._directory / name, flags)
        with open(descriptor, "rb") as file:  # noqa: PTH123  # a descriptor has no path
            if not _is_ours_alone(os.fstat(descriptor), stat.S_IFREG):
                raise PermissionError(name)
            os.utime(descriptor)
            return file.read(_SIZE_LIMIT_BYTES)


def _is_ours_alone(found: os.stat_result, kind: int) -> bool:
    is_kind = stat.S_IFMT(found.st_mode) == kind
    return is_kind and found.st_uid == os.geteuid() and not found.st_mode & _OTHERS_MAY_WRITE


def _json_of(plan: RoutePlan) -> dict[str, Any]:
    return {"marks": dict(plan.marks), "routes": [_json_of_route(route) for route in plan.routes]}


def _json_of_route(route: Route) -> dict[str, Any]:
    way = route.way
    assert isinstance(way, SshWay)
    assert may_be_kept(route)
    return {
        "host": route.host,
        "interpreters": list(route.interpreters),
        "shell": route.shell,
        "remote_tmp": route.remote_tmp,
        "way": {
            "address": way.address,
            "port": way.port,
            "user": way.user,
            "private_key_file": way.private_key_file,
            "arguments": list(way.arguments),
            "executable": way.executable,
            "timeout_seconds": way.timeout_seconds,
            "retries": way.retries,
            "host_key_checking": way.host_key_checking,
            "verbosity": way.verbosity,
            "standing_directory": way.standing_directory,
        },
    }


def _plan_from(data: Any) -> RoutePlan:
    marks = {_text(path): _text(mark) for path, mark in data["marks"].items()}
    return RoutePlan(marks, tuple(_route_from(each) for each in data["routes"]))


def _route_from(data: Any) -> Route:
    way = data["way"]
    standing = way["standing_directory"]
    route = Route(
        host=_text(data["host"]),
        way=SshWay(
            address=_text(way["address"]),
            port=None if way["port"] is None else int(way["port"]),
            user=None if way["user"] is None else _text(way["user"]),
            private_key_file=_text(way["private_key_file"]) if way["private_key_file"] else None,
            arguments=_texts(way["arguments"]),
            executable=_text(way["executable"]),
            timeout_seconds=float(way["timeout_seconds"]),
            retries=int(way["retries"]),
            host_key_checking=bool(way["host_key_checking"]),
            verbosity=int(way["verbosity"]),
            standing_directory=_text(standing) if standing else None,
        ),
        interpreters=_texts(data["interpreters"]),
        shell=_text(data["shell"]),
        remote_tmp=_text(data["remote_tmp"]),
    )
    if not may_be_kept(route):
        raise ValueError(route.host)
    return route


def _texts(values: Sequence[Any]) -> tuple[str, ...]:
    return tuple(_text(value) for value in values)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value
