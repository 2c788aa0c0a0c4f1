"""A connection of ssh that stands for a while after a run, so that the next one need not log in.

ssh itself keeps it (ControlMaster, ControlPersist in the user's or ansible-core's ssh_args); here
is where its socket lies, whether it is there, and how it is given up. Only a command with the very
same words finds it again: another key, jump host or file of known hosts is another connection.

*Source*: ssh_config(5); ansible-core 2.19 plugins/connection/ssh.py, `_build_command` and `reset`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

_LONGEST_BYTES = 104 - 1 - len(".0123456789abcdef")
"""sun_path of macOS, the shortest, without its end and without what ssh appends for a moment."""
_GIVE_UP_SECONDS = 2.0


def socket_for(words: Sequence[str], directory: str) -> Path:
    """Give the place of the socket for ssh with these words."""
    name = hashlib.sha256("\0".join(words).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return Path(directory, name)


def may_be_at(socket: Path) -> bool:
    """Make the directory where it is missing; whether there can be a socket at this place."""
    if len(os.fsencode(socket)) > _LONGEST_BYTES:
        return False
    with contextlib.suppress(OSError):
        socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return os.access(socket.parent, os.W_OK | os.X_OK)


def words_for(socket: Path) -> tuple[str, str]:
    """Give the words that tell ssh where the socket is."""
    quoted = str(socket).replace("%", "%%")
    return "-o", f'ControlPath="{quoted}"'


def give_up(words: Sequence[str], address: str, socket: Path) -> None:
    """Let no new session through a standing connection; those that it carries go on."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        subprocess.run(
            (*words, *words_for(socket), "-O", "stop", address),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            start_new_session=True,
            timeout=_GIVE_UP_SECONDS,
        )
    with contextlib.suppress(OSError):
        socket.unlink(missing_ok=True)
