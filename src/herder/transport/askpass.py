"""Gives ssh a password without argv, environment value or terminal: a private named pipe.

ssh closes every inherited descriptor, so its askpass program must find the password by name. The
name is a pipe in a directory of our own (0700), which holds the password only in the kernel and
only until the connection stands. The host key question is never answered with it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from pathlib import Path

from herder.model.secret import Secret

# ProxyJump asks once for each host on the way
_COPIES = 4
_PROGRAM = """\
#!/bin/sh
case "$1" in *assword*) ;; *) exit 1 ;; esac
IFS= read -r word < "$HERDER_ASKPASS" || exit 1
printf '%s\\n' "$word"
"""


class PasswordPipe:
    """One connection's password, waiting to be read by askpass; *then*: `remove`."""

    def __init__(self, password: Secret) -> None:
        self._folder = _executable_folder()
        self._pipe = f"{self._folder}/word"
        os.mkfifo(self._pipe, 0o600)
        # reading and writing, so that neither opening nor writing waits for a reader
        self._descriptor = os.open(self._pipe, os.O_RDWR | os.O_NONBLOCK)
        os.write(self._descriptor, (password.reveal() + "\n").encode() * _COPIES)

    @property
    def environment(self) -> dict[str, str]:
        """What ssh must find in its environment."""
        return {
            "SSH_ASKPASS": f"{self._folder}/askpass",
            "SSH_ASKPASS_REQUIRE": "force",
            # before OpenSSH 8.4 this is what makes it use askpass
            "DISPLAY": os.environ.get("DISPLAY", ":0"),
            "HERDER_ASKPASS": self._pipe,
        }

    def remove(self) -> None:
        """Forget the password; safe to call twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            shutil.rmtree(self._folder, ignore_errors=True)


def _executable_folder() -> str:
    """Give a new private directory with the askpass program, where programs may be run."""
    for parent in (
        tempfile.gettempdir(),
        os.environ.get("XDG_RUNTIME_DIR"),
        os.environ.get("HOME"),
    ):
        with contextlib.suppress(OSError):
            folder = tempfile.mkdtemp(prefix=".herder-", dir=parent)
            program = Path(folder) / "askpass"
            program.write_text(_PROGRAM)
            program.chmod(stat.S_IRWXU)
            if os.access(program, os.X_OK):
                return folder
            shutil.rmtree(folder, ignore_errors=True)
    raise OSError(f"no directory for the ssh password program, tried {tempfile.gettempdir()!r}")
