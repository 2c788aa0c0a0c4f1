"""A process server's home: where its sessions start and what they find in their environment."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import asyncssh


@dataclass(frozen=True, slots=True)
class Home:
    """A home directory and the user, ours, whose home it plays."""

    path: Path
    user: str

    @property
    def shell(self) -> str:
        shell = pwd.getpwuid(os.getuid()).pw_shell
        # An account made for a service may have a shell that only says no.
        refuses = not shell or shell.endswith(("/nologin", "/false"))
        return "/bin/sh" if refuses else shell

    def environment(self, wished: Mapping[str, str]) -> dict[str, str]:
        """Give a session's variables: those sshd sets, and what the client may ask for."""
        locale = {key: value for key, value in wished.items() if key.startswith(("LANG", "LC_"))}
        return {
            "HOME": str(self.path),
            "USER": self.user,
            "LOGNAME": self.user,
            "SHELL": self.shell,
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": os.environ.get("LANG", "C.UTF-8"),
            **locale,
        }


class HomeFiles(asyncssh.SFTPServer):
    """SFTP as the running user; a relative path starts at the server's home."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], home: Home) -> None:
        super().__init__(channel)
        self._home = os.fsencode(home.path)

    def map_path(self, path: bytes) -> bytes:
        return os.path.join(self._home, path)  # noqa: PTH118  # pathlib takes no bytes

    def exit(self) -> None:
        """End with a status, as sshd's own does: without one, scp takes its copy for failed."""
        self.channel.exit(0)
