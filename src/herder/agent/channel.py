"""The two pipes to the controller, taken away from everything else in this process."""

from __future__ import annotations

import fcntl
import os

from herder.agent.loop import READ, WRITE, Loop
from herder.agent.suppress import suppress
from herder.wire.frames import Frame, FrameDecoder, Head, Kind, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import deque
    from typing import Callable, Deque, List, Tuple
else:
    from _collections import deque

READ_BYTES = 120 * 1024
"""From 128 KiB on, malloc maps each buffer anew: its page faults cost more than to read twice."""
PIPE_BYTES = 1024 * 1024
_SET_PIPE_BYTES = 1031
"""F_SETPIPE_SZ, which Python names from 3.10 on. *Source*: fcntl(2)."""
LOW_WATER_BYTES = 256 * 1024


def take_standard_streams() -> Tuple[int, int]:
    """Move standard input and output to high descriptors and give these; 0 and 1 lead nowhere.

    Standard error stays: what is written there reaches the user as the session's transcript.
    """
    source, sink = _raised(0), _raised(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    if os.isatty(2):
        # the same terminal as standard output: a word there would break a frame
        os.dup2(nowhere, 2)
    if nowhere > 2:
        os.close(nowhere)
    return source, sink


def _raised(descriptor: int) -> int:

    return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)


class Channel:
    """Frames in, frames out, never blocking; `is_open` turns false when the controller is gone."""

    def __init__(self, loop: Loop, source: int, sink: int) -> None:
        self.is_open = True
        self._loop = loop
        self._source = source
        self._sink = sink
        self._decoder = FrameDecoder(splits_data=True)
        self._out: Deque[memoryview] = deque()
        self._waiting = 0
        self._on_frame: Callable[[Frame], None] = lambda frame: None
        with suppress(OSError):
            # a pipe on Linux; else what leads here stays as it is
            fcntl.fcntl(source, _SET_PIPE_BYTES, PIPE_BYTES)
        os.set_blocking(source, False)
        os.set_blocking(sink, False)

    @property
    def has_room(self) -> bool:
        """Whether little enough waits to be sent that a producer may go on."""
        return self._waiting < LOW_WATER_BYTES

    def start(self, on_frame: Callable[[Frame], None]) -> None:
        """Call back with each frame from now on."""
        self._on_frame = on_frame
        self._loop.watch(self._source, READ, self._receive)

    def send_bytes(self, data: bytes) -> None:
        """Send what is not a frame (the greeting); nobody hears it once the channel is closed."""
        if not self.is_open:
            return
        self._out.append(memoryview(data))
        self._waiting += len(data)
        self._flush()

    def send(self, kind: Kind, call: int, head: Head | None = None, body: bytes = b"") -> None:
        """Send a frame, now or when there is room."""
        self.send_bytes(encode(kind, call, head, body))

    def close(self) -> None:
        """Give the conversation up; what still waits to be sent is lost."""
        self.is_open = False
        self._out.clear()
        self._waiting = 0
        self._loop.forget(self._source)
        self._loop.forget(self._sink)

    def _receive(self) -> None:
        try:
            chunk = os.read(self._source, READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            chunk = b""
        if not chunk:
            self.close()
            return
        frames: List[Frame] = self._decoder.feed(chunk)
        for frame in frames:
            self._on_frame(frame)

    def _flush(self) -> None:
        while self._out:
            try:
                sent = os.write(self._sink, self._out[0])
            except (BlockingIOError, InterruptedError):
                self._loop.watch(self._sink, WRITE, self._flush)
                return
            except OSError:
                self.close()
                return
            self._waiting -= sent
            rest = self._out[0][sent:]
            if rest:
                self._out[0] = rest
            else:
                self._out.popleft()
        self._loop.forget(self._sink)
