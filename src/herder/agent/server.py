"""Takes calls from the channel, has them done, answers; ends when the controller is gone.

Laws: every CALL is answered by exactly one REPLY or FAILURE, unless the controller is gone; nothing
that was started for a call outlives the conversation, except jobs and what modules made daemons.
"""

from __future__ import annotations

import time

from herder.agent import simple
from herder.agent.calls import (
    Call,
    CommandCall,
    FetchCall,
    Line,
    ModuleCall,
    PutCall,
    TunnelCall,
)
from herder.agent.channel import Channel
from herder.agent.files import reason
from herder.agent.loop import Loop
from herder.agent.resources import Resources
from herder.wire.frames import Frame, Head, Kind
from herder.wire.late import Late
from herder.wire.messages import (
    NAMES,
    CheckFiles,
    FetchFile,
    OpenProcess,
    Operation,
    PlaceFiles,
    PutFile,
    RunCommand,
    RunModule,
    Settings,
    StatAhead,
    to_operation,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Type

    from herder.agent import file_checks, jobs, new_files
else:
    file_checks, jobs = Late("herder.agent.file_checks"), Late("herder.agent.jobs")
    new_files = Late("herder.agent.new_files")

_FAREWELL_SECONDS = 2.0
_TUNNEL_FAREWELL_SECONDS = 5.0


class Server:
    """One conversation, from the agent's side."""

    def __init__(self, loop: Loop, channel: Channel, resources: Resources) -> None:
        self._loop = loop
        self._channel = channel
        self._resources = resources
        self._calls: Dict[int, Call] = {}
        self._last_heard = time.monotonic()

    def run(self) -> None:
        """Serve until the controller closes or falls silent, then leave nothing behind."""
        self._channel.start(self._take)
        self._loop.later(5.0, self._check_silence)
        try:
            while self._channel.is_open:
                self._loop.run_once()
                self._pump()
        finally:
            self._say_farewell()

    def _take(self, frame: Frame) -> None:
        self._last_heard = time.monotonic()
        if frame.kind is Kind.CALL:
            self._guard(frame.id, "call", lambda: self._open(frame))
        elif frame.kind is Kind.PING:
            self._channel.send(Kind.PONG, 0)
        elif frame.kind is Kind.CLOSE:
            self._channel.close()
        elif frame.kind is Kind.SETTINGS:
            self._resources.settle(Settings(**frame.head))
        else:
            call = self._calls.get(frame.id)
            if call is not None:
                self._guard(frame.id, call.operation, lambda: _hand_over(call, frame))

    def _guard(self, number: int, operation: str, action: Callable[[], None]) -> None:
        try:
            action()
        except OSError as error:
            self._fail(number, operation, reason(error), error.errno or 0)
        except Exception as error:  # noqa: BLE001 -- the shell: what goes wrong is an answer
            self._fail(number, operation, f"{type(error).__name__}: {error}", 0)

    def _fail(self, number: int, operation: str, reason: str, errno: int) -> None:
        call = self._calls.pop(number, None)
        if call is not None:
            call.end()
        head: Head = {"operation": operation, "reason": reason, "errno": errno}
        self._channel.send(Kind.FAILURE, number, head)

    def _open(self, frame: Frame) -> None:
        operation = to_operation(frame.head)
        if isinstance(operation, simple.KINDS) and not simple.is_slow(operation):
            asked = operation
            self._guard(frame.id, NAMES[type(asked)], lambda: self._answer(frame.id, asked))
            return
        call = self._started(frame, operation)
        self._calls[frame.id] = call
        self._guard(frame.id, NAMES[type(operation)], lambda: call.begin(frame.body))

    def _answer(self, number: int, operation: simple.Simple) -> None:
        self._channel.send(Kind.REPLY, number, simple.answer(operation))

    def _started(self, frame: Frame, operation: Operation) -> Call:
        line = Line(frame.id, self._channel.send, self._forget)
        if isinstance(operation, RunModule):
            kind = jobs.JobCall if operation.async_seconds else ModuleCall
            return kind(line, self._resources, operation)
        make: Any = _CALLS.get(type(operation), lambda: simple.SlowCall)()
        call: Call = make(line, self._resources, operation)
        return call

    def _forget(self, number: int) -> None:
        self._calls.pop(number, None)

    def _pump(self) -> None:
        # producers go on only while the channel has room: they never fill our memory
        while self._channel.has_room:
            producers = [call for call in self._calls.values() if call.may_produce]
            if not producers:
                return
            for call in producers:
                self._guard(call.line.number, call.operation, call.produce)

    def _check_silence(self) -> None:
        silence = time.monotonic() - self._last_heard
        limit = self._resources.settings.silence_seconds
        if silence >= limit:
            self._channel.close()
            return
        self._loop.later(min(5.0, limit - silence + 0.1), self._check_silence)

    def _say_farewell(self) -> None:
        for call in tuple(self._calls.values()):
            call.end()
        deadline = time.monotonic() + _TUNNEL_FAREWELL_SECONDS
        kill_at = time.monotonic() + _FAREWELL_SECONDS
        self._loop.later(_FAREWELL_SECONDS, lambda: None)
        while self._loop.children and time.monotonic() < deadline:
            self._loop.later(0.2, lambda: None)
            self._loop.run_once()
            if time.monotonic() >= kill_at:
                for call in tuple(self._calls.values()):
                    call.kill()
        self._resources.close()


# what a run may never need is imported when it is first needed
_CALLS: Dict[Type[Any], Callable[[], Any]] = {
    RunCommand: lambda: CommandCall,
    PutFile: lambda: PutCall,
    FetchFile: lambda: FetchCall,
    StatAhead: lambda: simple.AheadCall,
    CheckFiles: lambda: file_checks.CheckCall,
    PlaceFiles: lambda: new_files.PlaceCall,
    OpenProcess: lambda: TunnelCall,
}


def _hand_over(call: Call, frame: Frame) -> None:
    if frame.kind is Kind.DATA:
        call.take(frame.body)
    elif frame.kind is Kind.END:
        call.take_end()
    elif frame.kind is Kind.SUPPLY:
        call.supply(frame.head, frame.body)
    elif frame.kind is Kind.CREDIT:
        call.credit(int(frame.head["bytes"]))
    elif frame.kind is Kind.CANCEL:
        call.cancel()
