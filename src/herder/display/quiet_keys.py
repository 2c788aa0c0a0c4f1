"""Keys typed while lines are live are not shown: an Enter would push the live lines apart."""

from __future__ import annotations

import contextlib
import io
import os
import termios
from typing import TextIO

_LOCAL_MODES = 3


class QuietKeys:
    """Turns the echo of a terminal off and back on; on anything else it does nothing.

    What was typed is kept by the terminal for whoever reads next; Ctrl-C and Ctrl-Z work on.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._had_echo = False

    def hush(self) -> None:
        with contextlib.suppress(termios.error, OSError, ValueError, io.UnsupportedOperation):
            descriptor = self._stream.fileno()
            # A background job that touches the terminal's modes would be stopped.
            if os.tcgetpgrp(descriptor) != os.getpgrp():
                return
            modes = termios.tcgetattr(descriptor)
            if modes[_LOCAL_MODES] & termios.ECHO:
                modes[_LOCAL_MODES] &= ~termios.ECHO
                termios.tcsetattr(descriptor, termios.TCSADRAIN, modes)
                self._had_echo = True

    def restore(self) -> None:
        if not self._had_echo:
            return
        self._had_echo = False
        with contextlib.suppress(termios.error, OSError, ValueError, io.UnsupportedOperation):
            descriptor = self._stream.fileno()
            if os.tcgetpgrp(descriptor) != os.getpgrp():
                return
            modes = termios.tcgetattr(descriptor)
            modes[_LOCAL_MODES] |= termios.ECHO
            termios.tcsetattr(descriptor, termios.TCSADRAIN, modes)
