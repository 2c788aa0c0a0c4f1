"""A connection plugin of ansible-core whose commands and files travel through a session.

The plugin object stays what it is (its options, its shell, its become plugin); only the methods
that would start processes are exchanged, by giving the object a subclass of its own class.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import functools
import os
import shlex
import time
from collections.abc import Callable, Iterator
from typing import Any

from ansible import constants
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection import ConnectionBase
from ansible.utils.display import Display

from herder.errors import HerderError, OperationFailed
from herder.language.blocking import LoopThread
from herder.language.failures import AgentImpossible, not_there, translated, unread
from herder.language.local_files import LocalFiles
from herder.language.prepared import PreparedConnections
from herder.language.routes import become_step, brings_modes, is_carried, route_of
from herder.language.stock import StockConnection, standing_socket
from herder.language.temporary import PromisedDirectory, directory_failure, modes_of_put
from herder.language.young_jobs import YoungJobs
from herder.model.door import Door
from herder.model.ports import CommandCall, Completed, ModuleCall, Session, Sessions
from herder.model.route import LocalWay, Route

SHOWN_FROM_VERBOSITY = 3

display = Display()


class Carrier:
    """What every carried connection of a run shares: the sessions and the loop they live on."""

    def __init__(self, sessions: Sessions, loop: LoopThread) -> None:
        self.sessions = sessions
        self.loop = loop
        self.local_files = LocalFiles()
        self.unchanged_hosts: set[str] = set()
        """Those to which the last file that was copied was there already."""
        self.stock_hosts: set[str] = set()
        """Those to which a stock plugin made a connection, which may stand for a while."""
        self.git_door = Door()
        self.jobs = YoungJobs(time.monotonic, time.sleep)
        self.prepared = PreparedConnections()
        self._routes: dict[str, set[Route]] = {}
        self._classes: dict[type, Any] = {}

    def _carried_class(self, plugin_class: Any) -> Any:
        if plugin_class not in self._classes:
            bases = (CarriedConnection, plugin_class)
            members = {
                "herder_plugin_class": plugin_class,
                "herder_stock_class": type("Connection", (StockConnection, plugin_class), {}),
            }
            self._classes[plugin_class] = type("Connection", bases, members)
        return self._classes[plugin_class]

    def remember(self, route: Route) -> None:
        """Know that this route was used, so that `forget_user` finds it."""
        self._routes.setdefault(route.host, set()).add(route)

    def has_used(self, host: str, interpreters: tuple[str, ...]) -> bool:
        """Whether the host was reached by the way of this machine's shell with these."""
        known = list(self._routes.get(host, ()))
        return any(r.interpreters == interpreters and isinstance(r.way, LocalWay) for r in known)

    def forget_host(self, host: str) -> None:
        """Close the host's sessions; the next task connects anew."""
        self._routes.pop(host, None)
        self.loop.call(self.sessions.reset(host))

    def forget_user(self, host: str, user: str) -> None:
        """Close the sessions that run as this user, for example before the account is removed."""
        routes = self._routes.get(host, set())
        own = {route for route in routes if route.become is not None and route.become.user == user}
        routes -= own
        for route in own:
            self.loop.call(self.sessions.end(route))

    def take_over(self, connection: Any) -> bool:
        """Carry this plugin's traffic from now on; false when it has a way of its own to keep.

        Assumes that the plugin's options are set: some of them are only its own to keep.
        """
        is_ours = is_carried(connection)
        if is_ours == isinstance(connection, CarriedConnection):
            return is_ours
        if not is_ours:
            connection.__class__ = connection.herder_plugin_class
            return False
        connection.__class__ = self._carried_class(type(connection))
        connection.herder_carrier = self
        connection.herder_promised = None
        connection.herder_prepare("", ())
        return True


class CarriedConnection(ConnectionBase):
    """The methods that are exchanged; always mixed in before a stock connection class.

    *Then*: `herder_prepare` for each task, before its action runs.
    """

    has_pipelining = True
    herder_plugin_class: type
    herder_stock_class: type
    herder_carrier: Carrier
    herder_host: str
    herder_interpreters: tuple[str, ...]
    herder_promised: PromisedDirectory | None
    herder_is_copying: bool
    _herder_open: dict[bool, Session]
    _herder_routes: dict[bool, Route]
    _herder_shown: dict[tuple[str, ...], dict[str, Any]]

    def herder_prepare(self, host: str, interpreters: tuple[str, ...]) -> None:
        """Take on a task's host and interpreters; the options of the plugin are set already."""
        self.herder_host = host
        self.herder_is_copying = False
        self.herder_interpreters = interpreters
        self._herder_routes = {}
        self._herder_shown = {}
        self.herder_begin()

    def herder_begin(self) -> None:
        """Take on a task whose options, host and interpreters are those of the last one."""
        self._herder_open = {}

    def herder_session(self, *, as_become_user: bool) -> Session:
        """Give the session, connecting when needed; errors are ansible-core's from here on."""
        as_become_user = as_become_user and self.become is not None
        if as_become_user not in self._herder_open:
            self._herder_open[as_become_user] = self._herder_connect(as_become_user)
        return self._herder_open[as_become_user]

    def _herder_connect(self, as_become_user: bool) -> Session:
        carrier = self.herder_carrier
        known = self._herder_routes.get(as_become_user) if not is_shown() else None
        if known is not None and (ready := carrier.sessions.ready(known)) is not None:
            carrier.remember(known)
            return ready
        route = self.herder_route()
        carrier.remember(route)
        if is_shown() and self.transport == "ssh":
            words = shlex.join(carrier.sessions.way_in(route))
            display.vvv(f"SSH: EXEC {words}", host=self._play_context.remote_addr)
        session: Session = self.herder_do(carrier.sessions.get(route))
        if not as_become_user:
            self._herder_routes[False] = route
            return session
        # the login user's agent knows by now which Python there is
        step = become_step(self, (session.facts.python,))
        become_route = dataclasses.replace(route, become=step)
        carrier.remember(become_route)
        second: Session = self.herder_do(carrier.sessions.get(become_route))
        self._herder_routes[True] = become_route
        return second

    def herder_leave(self, user: str) -> None:
        """End what runs as this become user on the host."""
        self._herder_open.pop(True, None)
        self.herder_carrier.forget_user(self.herder_host, user)

    def herder_route(self) -> Route:
        """Give the login user's route."""
        return route_of(self, host=self.herder_host, interpreters=self.herder_interpreters)

    def herder_do(
        self, work: Any, *, refused: Callable[[OperationFailed], Exception] | None = None
    ) -> Any:
        """Wait for a session's work and translate its errors; `refused` gives words for a no."""
        try:
            return self.herder_carrier.loop.call(work)
        except OperationFailed as error:
            raise refused(error) if refused else translated(error, self) from None
        except HerderError as error:
            # who tries once more, such as ansible-core for an async job, connects anew
            self._herder_open = {}
            raise translated(error, self) from None

    def herder_run_module(self, call: ModuleCall, *, as_become_user: bool) -> Completed:
        session = self.herder_session(as_become_user=as_become_user)
        return self.herder_do(session.run_module(call))

    def herder_run_command(self, call: CommandCall, *, as_become_user: bool) -> Completed:
        try:
            session = self.herder_session(as_become_user=as_become_user)
        except AgentImpossible:
            line = f"{call.executable} -c {shlex.quote(call.shell_line)}"
            return self.herder_run_bare(line, call.stdin, as_become_user=as_become_user)
        return self.herder_do(session.run_command(call))

    def herder_show(self, line: str, executable: str | None, *, as_become_user: bool) -> None:
        """At -vvv, say what is run as the stock plugin would have it run.

        *Source*: ansible-core 2.19 plugins/action/__init__.py, `_low_level_execute_command`.
        """
        if not is_shown():
            return
        if as_become_user:
            # on a copy, since building a command gives the plugin a new marker to wait for
            line = copy.copy(self.become).build_become_command(line, self._shell)
        if self.allow_executable and executable is None:
            executable = self._play_context.executable
            line = self._shell.append_command(line, "sleep 0")
        if self.allow_executable and executable:
            line = f"{executable} -c {shlex.quote(line)}"
        display.vvv(f"EXEC {line}", host=self._play_context.remote_addr)

    @contextlib.contextmanager
    def herder_stock(self) -> Iterator[None]:
        """Be the stock plugin again, with a process for each command, for what is done inside.

        Its ssh goes through the connection of our own session where one stands.
        """
        carried, socket = type(self), self._herder_socket()
        self.__class__ = carried.herder_stock_class
        self.herder_carrier.stock_hosts.add(self.herder_host)
        if socket:
            self.set_option("control_path", socket)
        try:
            yield
        finally:
            self.__class__ = carried
            if socket:
                self.set_option("control_path", None)

    def _herder_socket(self) -> str:
        # not where the user says which, or nobody asked for connections that stand
        if self.transport != "ssh" or self.get_option("control_path"):
            return ""
        return standing_socket(self.herder_carrier.sessions.way_in(self.herder_route()))

    def herder_run_bare(self, line: str, stdin: bytes | None, *, as_become_user: bool) -> Completed:
        """Run a line on a host that has no Python, by a process of its own."""
        if as_become_user:
            line = self.become.build_become_command(line, self._shell)
        carrier, route = self.herder_carrier, self.herder_route()
        done: Completed = self.herder_do(carrier.sessions.run_raw(route, line, stdin))
        if not as_become_user:
            return done
        return dataclasses.replace(done, stdout=self.become.strip_become_success(done.stdout))

    def herder_keep_promise(self) -> None:
        """Make the temporary directory that was promised, before anything goes there."""
        promised, self.herder_promised = self.herder_promised, None
        if promised is None:
            return
        quote = self._shell.quote
        line = f"umask 77 && mkdir -p {quote(promised.parent)} && mkdir {quote(promised.path)}"
        done = self.herder_run_command(CommandCall(line), as_become_user=promised.as_become_user)
        if done.status != 0:
            # what was never made is not to be removed in the end
            self._shell.tmpdir = None
            raise AnsibleConnectionFailure(directory_failure(line, done))

    def is_pipelining_enabled(self, wrap_async: bool = False) -> bool:
        """Modules go to the agent, unless the user wants them as files on the host."""
        if not wrap_async and not _keeps_remote_files() and not self._herder_wants_files():
            return True
        from_configuration: bool = super().is_pipelining_enabled(wrap_async)
        return from_configuration

    def _herder_wants_files(self) -> bool:
        """Whether pipelining is switched off by somebody, and not only by default."""
        try:
            value, origin = self.get_option_and_origin("pipelining")
        except KeyError:
            return False
        return not value and origin != "default"

    def update_vars(self, variables: dict[str, Any]) -> None:
        """Add the connection's own variables, worked out once while its options stay."""
        known = tuple(name for name in constants.COMMON_CONNECTION_VARS if name in variables)
        added = self._herder_shown.get(known)
        if added is None:
            scratch: dict[str, Any] = dict.fromkeys(known)
            super().update_vars(scratch)
            added = {name: value for name, value in scratch.items() if name not in known}
            self._herder_shown[known] = added
        variables.update(added)

    def _connect(self) -> Any:
        return self

    @property
    def connected(self) -> bool:
        return True

    def exec_command(
        self, cmd: str, in_data: bytes | None = None, sudoable: bool = True
    ) -> tuple[int, bytes, bytes]:
        """Run a shell line as the login user; a become wrapper is already in `cmd`."""
        call = CommandCall(cmd, stdin=in_data)
        done = self.herder_run_command(call, as_become_user=False)
        return done.status, done.stdout, done.stderr

    def put_file(self, in_path: str, out_path: str) -> None:
        self.herder_keep_promise()
        self.herder_show_file("PUT", in_path, out_path)
        session = self.herder_session(as_become_user=True)
        source = _text(in_path)
        known = self.herder_carrier.local_files
        digests = functools.partial(known.digests, source) if self.herder_is_copying else None
        try:
            modes = modes_of_put(self, _text(out_path), os.stat(source).st_mode)
            self.herder_do(session.put_file(source, _text(out_path), **modes, digests=digests))
        except FileNotFoundError:
            # an error's cause is part of what ansible-core tells of it
            raise not_there(source) from None

    def herder_show_file(self, word: str, source: str, place: str) -> None:
        """At -vvv, say which file goes where, as the stock plugins do."""
        display.vvv(f"{word} {source} TO {place}", host=self._play_context.remote_addr)

    def fetch_file(self, in_path: str, out_path: str) -> None:
        self.herder_show_file("FETCH", in_path, out_path)
        session = self.herder_session(as_become_user=True)
        place, keeps_mode = _text(out_path), brings_modes(self)
        work = session.fetch_file(_text(in_path), place, keeps_mode=keeps_mode)
        self.herder_do(work, refused=lambda error: unread(_text(in_path), error, self))

    def reset(self) -> None:
        self._herder_open = {}
        self.herder_carrier.forget_host(self.herder_host)
        if self.herder_host in self.herder_carrier.stock_hosts:
            with self.herder_stock():
                self.reset()

    def close(self) -> None:
        """Keep the session for the next task; the run closes all of them at its end."""


def is_shown() -> bool:
    """Whether command lines are told: on the terminal, or in a log that is told more."""
    return bool(max(display.verbosity, display.log_verbosity) >= SHOWN_FROM_VERBOSITY)


def _keeps_remote_files() -> bool:
    return bool(constants.DEFAULT_KEEP_REMOTE_FILES)


def _text(path: str | bytes) -> str:
    return path.decode("utf-8", "surrogateescape") if isinstance(path, bytes) else str(path)
