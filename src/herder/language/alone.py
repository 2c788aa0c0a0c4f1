"""Modules of which one at a time runs on a machine.

They read a file or a store of the machine and write it anew, or wait for its lock. Where many hosts
delegate them to one machine (a report to which each adds its line), one would lose what another
wrote, or wait for longer than it wants to. ansible-playbook's five forks make that rare.
"""

from __future__ import annotations

_NAMES = frozenset(
    {
        "apk",
        "apt",
        "apt_key",
        "apt_repository",
        "authorized_key",
        "blockinfile",
        "cron",
        "cronvar",
        "deb822_repository",
        "debconf",
        "dnf",
        "dnf5",
        "dpkg_selections",
        "group",
        "homebrew",
        "htpasswd",
        "ini_file",
        "iptables",
        "known_hosts",
        "lineinfile",
        "mount",
        "package",
        "pacman",
        "pam_limits",
        "replace",
        "rpm_key",
        "ssh_config",
        "sudoers",
        "sysctl",
        "user",
        "xml",
        "yum",
        "yum_repository",
        "zypper",
    }
)


def is_alone(module: str) -> bool:
    """Say whether a module is one of these; of a collection's name only the last part counts."""
    return module.rpartition(".")[2] in _NAMES
