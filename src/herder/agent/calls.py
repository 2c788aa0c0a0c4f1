"""What the agent is doing for the controller: one object for each call that is under way."""

from __future__ import annotations

from herder.agent.children import Child, Outcome
from herder.agent.files import Reading, WholeFile
from herder.agent.resources import COMMAND, Resources
from herder.wire.frames import CHUNK_BYTES, Head, Kind
from herder.wire.late import Late
from herder.wire.messages import (
    GRANT_BYTES,
    INLINE_BYTES,
    NAMES,
    WINDOW_BYTES,
    FetchFile,
    OpenProcess,
    PutFile,
    RunCommand,
    RunModule,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from typing import Callable, Dict, List, Optional, Set

    from herder.agent import arrivals, commands, fork, tunnel
    from herder.agent import program as programs
    from herder.agent.modules import Launch

    Send = Callable[[Kind, int, Optional[Head], bytes], None]
else:
    import _signal as signal

    commands, fork = Late("herder.agent.commands"), Late("herder.agent.fork")
    tunnel, programs = Late("herder.agent.tunnel"), Late("herder.agent.program")
    arrivals = Late("herder.agent.arrivals")


class Line:
    """A call's way to answer."""

    def __init__(self, number: int, send: Send, on_over: Callable[[int], None]) -> None:
        self.number = number
        self._send = send
        self._on_over = on_over

    def send(self, kind: Kind, head: Optional[Head] = None, body: bytes = b"") -> None:
        """Send a frame of this call."""
        self._send(kind, self.number, head, body)

    def finish(self, head: Head, body: bytes = b"") -> None:
        """Answer; the call is over."""
        self._on_over(self.number)
        self.send(Kind.REPLY, head, body)

    def fail(self, operation: str, reason: str, *, kind: str = "", errno: int = 0) -> None:
        """Answer that it could not be done; the call is over."""
        self._on_over(self.number)
        head: Head = {"operation": operation, "reason": reason, "errno": errno, "kind": kind}
        self.send(Kind.FAILURE, head)

    def finish_outcome(self, operation: str, outcome: Outcome, notes: Head) -> None:
        """Answer with how a child ended, and what else the controller should know."""
        if outcome.problem:
            tail = (outcome.stderr or outcome.stdout)[-200:].decode(errors="replace")
            reason = f"{outcome.problem}; last output: {tail!r}" if tail else outcome.problem
            kind = "timeout" if outcome.problem.startswith("timed out") else ""
            self.fail(operation, reason, kind=kind)
            return
        head: Head = {"status": outcome.status, "stdout": len(outcome.stdout), **notes}
        if len(outcome.stdout) + len(outcome.stderr) <= INLINE_BYTES:
            self.finish(head, outcome.stdout + outcome.stderr)
            return
        for name, content in (("stdout", outcome.stdout), ("stderr", outcome.stderr)):
            for start in range(0, len(content), CHUNK_BYTES):
                self.send(Kind.OUTPUT, {"stream": name}, content[start : start + CHUNK_BYTES])
        self.finish({**head, "stdout": 0})


class Call:
    """What every call may be told; each kind says what it makes of it."""

    may_produce = False

    def __init__(self, line: Line, resources: Resources, operation: str) -> None:
        self.line = line
        self.resources = resources
        self.operation = operation

    def begin(self, body: bytes) -> None:
        """Start, with the CALL frame's body."""

    def take(self, content: bytes) -> None:
        """DATA has come."""

    def take_end(self) -> None:
        """No more DATA will come."""

    def supply(self, head: Head, body: bytes) -> None:
        """What was needed has come."""

    def credit(self, size: int) -> None:
        """The controller has dealt with so many bytes of OUTPUT."""

    def produce(self) -> None:
        """Send some more; asked only while `may_produce`."""

    def cancel(self) -> None:
        """The controller no longer wants it."""
        self.end()

    def end(self) -> None:
        """Stop and leave nothing."""

    def kill(self) -> None:
        """Stop what did not end when asked."""


class ChildCall(Call):
    """A call that runs a child with its output caught."""

    child: Optional[Child] = None

    def done(self, outcome: Outcome) -> None:
        """The child has ended: answer."""
        notes: Head = {"accounts": True} if self.resources.accounts.has_changed() else {}
        self.line.finish_outcome(self.operation, outcome, notes)

    def end(self) -> None:
        """End the child's process group."""
        if self.child is not None:
            self.child.end("cancelled")

    def kill(self) -> None:
        """End the child's process group at once."""
        if self.child is not None:
            self.child.kill()


class BundleCall(ChildCall):
    """A call that needs a bundle; asks for what is missing first."""

    def __init__(self, line: Line, resources: Resources, call: RunModule) -> None:
        super().__init__(line, resources, f"module {call.name!r}")
        self.call = call
        self.params = b""
        self.is_started = False
        self.asked: Set[str] = set()

    def begin(self, body: bytes) -> None:
        """Start, or ask for what is missing."""
        self.params = body
        modules = self.resources.modules
        if self.call.manifest:
            modules.learn(self.call.bundle, self.call.manifest)
        if not modules.has_manifest(self.call.bundle):
            self.line.send(Kind.NEEDS, {"manifest": True})
            return
        self._start_or_ask(modules.missing(self.call))

    def supply(self, head: Head, body: bytes) -> None:
        """Take the files that were missing and start; files may also come unasked."""
        modules = self.resources.modules
        if "manifest" in head:
            modules.learn(self.call.bundle, head["manifest"])
        self.resources.modules.store.add_all(head["parts"], body)
        if self.is_started:
            return
        missing = modules.missing(self.call)
        if set(missing) & self.asked:
            self.line.fail(self.operation, f"file {missing[0]} of the bundle did not come whole")
            return
        self._start_or_ask(missing)

    def start(self) -> None:
        """Run it; nothing is missing."""

    def _start_or_ask(self, missing: List[str]) -> None:
        if missing:
            self.asked.update(missing)
            self.line.send(Kind.NEEDS, {"digests": missing})
            return
        self.is_started = True
        self.start()

    def prepare(self) -> Launch:
        """Make it ready to be forked; assumes that nothing is missing."""
        return self.resources.modules.prepare(self.call, self.params)


class ModuleCall(BundleCall):
    """A module in a forked child, where it has something to do."""

    launch: Optional[Launch] = None

    def begin(self, body: bytes) -> None:
        """Answer when it is known what the module would say; else see to it that it can run."""
        self.params = body
        is_command = self.call.fqn == COMMAND and self.call.is_core
        ask = self.resources.commands.prepare if is_command else self.resources.answers.give
        known = ask(self.call, body)
        if isinstance(known, bytes):
            self.done(Outcome(0, known, b""))
            return
        if known is not None:
            limits = self.resources.limits(self.call.timeout_seconds)
            self.child = programs.Run(known, self._ended).begin(self.resources.loop, limits)
        if self.child is None:
            super().begin(body)

    def start(self) -> None:
        """Fork the child."""
        self.launch = self.prepare()
        loop = self.resources.loop
        process_id, pipes = fork.fork_child(loop, self._program)
        limits = self.resources.limits(self.call.timeout_seconds)
        self.child = Child(loop, process_id, pipes, limits, self.done)

    def _program(self) -> None:
        assert self.launch is not None
        self.resources.tell_arrivals(self.call)
        self.launch.program()

    def _ended(self, outcome: Optional[Outcome]) -> None:
        if outcome is None:
            self.child = None
            super().begin(self.params)
        else:
            super().done(outcome)

    def done(self, outcome: Outcome) -> None:
        """Clean up and answer."""
        if self.launch is not None:
            self.launch.clean_up()
            self.resources.learn(self.call, self.params, outcome)
        super().done(outcome)


class CommandCall(ChildCall):
    """A shell line."""

    def __init__(self, line: Line, resources: Resources, call: RunCommand) -> None:
        super().__init__(line, resources, NAMES[type(call)])
        self._call = call

    def begin(self, body: bytes) -> None:
        """Start the command."""
        limits = self.resources.limits(self._call.timeout_seconds)
        self.child = commands.start_command(
            self.resources.loop, self._call, body, limits, self.done
        )


class PutCall(Call):
    """A file on its way here."""

    def __init__(self, line: Line, resources: Resources, call: PutFile) -> None:
        super().__init__(line, resources, NAMES[type(call)])
        self._call = call
        self._file: Optional[WholeFile] = None
        self._taken = 0
        self._digests: Dict[str, str] = {}

    def begin(self, body: bytes) -> None:
        """Open the file; write all of it when it came along."""
        kind = arrivals.Arrival if self._call.is_hashed else WholeFile
        self._file = kind(self._call.path, self._call.mode, self._call.new_mode)
        if not self._call.is_streamed:
            self.take(body)
            self.take_end()

    def take(self, content: bytes) -> None:
        """Write the next part."""
        if self._file is not None:
            self._file.write(content)
            self._taken += len(content)
            if self._call.is_streamed and self._taken >= GRANT_BYTES:
                self.line.send(Kind.GRANT, {"bytes": self._taken})
                self._taken = 0

    def supply(self, head: Head, body: bytes) -> None:
        """Take what the sender says of the content."""
        self._digests = head.get("digests", {})

    def take_end(self) -> None:
        """Put the file in its place and answer."""
        file, self._file = self._file, None
        if file is not None:
            file.finish()
            if self._call.is_hashed and isinstance(file, arrivals.Arrival):
                self.resources.arrivals.remember(file.path, file.digests(self._digests))
            self.line.finish({})

    def cancel(self) -> None:
        """Leave nothing and say so."""
        self.end()
        self.line.fail(self.operation, "cancelled")

    def end(self) -> None:
        """Leave no half file."""
        if self._file is not None:
            self._file.abandon()
            self._file = None


class FetchCall(Call):
    """A file on its way to the controller."""

    def __init__(self, line: Line, resources: Resources, call: FetchFile) -> None:
        super().__init__(line, resources, NAMES[type(call)])
        self._call = call
        self._reading: Optional[Reading] = None

    @property
    def may_produce(self) -> bool:  # type: ignore[override]
        """Whether the controller still takes bytes."""
        return self._reading is not None and self._reading.may_send

    def begin(self, body: bytes) -> None:
        """Open the file."""
        self._reading = Reading(self._call.path, WINDOW_BYTES)

    def credit(self, size: int) -> None:
        """Go on with so many bytes."""
        if self._reading is not None:
            self._reading.grant(size)

    def produce(self) -> None:
        """Send the next part, or the answer at the end."""
        assert self._reading is not None
        chunk = self._reading.next_chunk(CHUNK_BYTES)
        if chunk:
            self.line.send(Kind.OUTPUT, None, chunk)
            return
        self.line.finish({"mode": self._reading.mode})
        self.end()

    def cancel(self) -> None:
        """Stop and say so."""
        self.end()
        self.line.fail(self.operation, "cancelled")

    def end(self) -> None:
        """Close the file."""
        if self._reading is not None:
            self._reading.close()
            self._reading = None


class TunnelCall(Call):
    """A second agent's bytes."""

    def __init__(self, line: Line, resources: Resources, call: OpenProcess) -> None:
        super().__init__(line, resources, NAMES[type(call)])
        self._call = call
        self._tunnel: Optional[tunnel.Tunnel] = None

    def begin(self, body: bytes) -> None:
        """Start the program."""
        self._tunnel = tunnel.Tunnel(
            self.resources.loop,
            self._call,
            lambda name, chunk: self.line.send(Kind.OUTPUT, {"stream": name}, chunk),
            lambda status: self.line.finish({"status": status}),
        )

    def take(self, content: bytes) -> None:
        """Pass bytes on."""
        if self._tunnel is not None:
            self._tunnel.write(content)

    def take_end(self) -> None:
        """Pass the end of input on."""
        if self._tunnel is not None:
            self._tunnel.close()

    def cancel(self) -> None:
        """Close its input and ask it to end."""
        self.end()
        self._signal(signal.SIGTERM)

    def end(self) -> None:
        """Close its input: an agent ends by itself then."""
        self.take_end()

    def kill(self) -> None:
        """End what did not end by itself."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        if self._tunnel is not None:
            self._tunnel.kill(number)
