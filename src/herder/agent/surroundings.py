"""What makes Python find other modules than before, and a module of Ansible say other words."""

from __future__ import annotations

import os
import site
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List, Tuple

    Fingerprint = Tuple[Tuple[str, int], ...]

_LINKER = "/etc/ld.so.cache"
_BOOT = "/proc/sys/kernel/random/boot_id"
_SELINUX = "/sys/fs/selinux/enforce"


def fingerprint() -> Fingerprint:
    """Give what changes when a package is installed or removed."""
    return tuple((path, _modified(path)) for path in (*site_folders(), *sys.path, _LINKER))


def site_folders() -> List[str]:
    """Give where packages are installed, whether or not the folders are there."""
    folders = list(site.getsitepackages()) if hasattr(site, "getsitepackages") else []
    if site.ENABLE_USER_SITE:
        folders.append(site.getusersitepackages())
    return folders


def machine() -> Tuple[str, ...]:
    """Give what is the same as long as this Python runs on a machine that was not started anew."""
    try:
        with open(_BOOT, encoding="ascii") as file:
            boot = file.read()
    except OSError:
        boot = ""
    return (sys.version, sys.executable, boot, str(os.path.exists(_SELINUX)))


def _modified(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0
