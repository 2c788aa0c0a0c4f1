"""Tells whether this host can run machines, and what it lacks."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from herder.lab.control_groups import roots

INSTALL_COMMAND = "apt-get install -y systemd-container openssh-server iproute2"

_PROGRAMS = ("systemd-nspawn", "sshd", "ssh-keygen", "ip", "unshare", "setsid", "mount")
_SEARCH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_ONE_FILE_SYSTEM = ("/usr", "/etc", "/var")


def what_machines_lack() -> tuple[str, str]:
    """Give why machines cannot run here and the command that mends it; two '' when they can."""
    if sys.platform != "linux":
        return "machines need Linux", ""
    if os.geteuid() != 0:
        return "machines need root", "sudo herder lab up"
    missing = [name for name in _PROGRAMS if shutil.which(name, path=_SEARCH) is None]
    if missing:
        return f"machines need {', '.join(missing)}", INSTALL_COMMAND
    if not any(os.access(root, os.W_OK) for root in roots()):
        return "machines need control groups at /sys/fs/cgroup", ""
    apart = [path for path in _ONE_FILE_SYSTEM if Path(path).is_mount()]
    if apart:
        return f"machines need {', '.join(apart)} on the root file system", ""
    return "", ""
