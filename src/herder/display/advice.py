"""What to try after a failure: words that failures have in common, and what helped others."""

from __future__ import annotations

import re

_HERE = "install that program on this machine, or put its folder into PATH"
_FULL = r"(?:Too many open files|Resource temporarily unavailable)"
_MORE_ROOM = (
    "let this user have more open files (`ulimit -n`) and processes (`ulimit -u`), or run on fewer "
    "hosts at a time (--limit)"
)

# Of the way to the host alone: a task that uses ssh itself (git) says the same of other servers.
_OF_THE_WAY: tuple[tuple[str, str], ...] = (
    (rf"cannot start '.*{_FULL}", _MORE_ROOM),
    (r"cannot start '", _HERE),
    (
        r"Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED",
        "compare the host's key with what you know of it, then `ssh-keygen -R HOST` and "
        "`ssh HOST` once",
    ),
    (
        r"Permission denied \((?:publickey|gssapi|password|keyboard)",
        "`ssh USER@HOST` by hand; then name the user (-u), the key (--private-key) or ask for "
        "the password (-k)",
    ),
    (
        r"Could not resolve hostname|Name or service not known",
        "check the host's name in the inventory, or set ansible_host to its address",
    ),
    (
        r"ssh: connect to host \S+ port \d+: Connection refused",
        "is sshd running there? The address and port come from ansible_host and ansible_port",
    ),
)

_OF_ALL: tuple[tuple[str, str], ...] = (
    (rf"command line on a controller.*{_FULL}", _MORE_ROOM),
    (r"command line on a controller|(?:docker|podman) command not found in PATH", _HERE),
    (
        r"Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED",
        "make that server's key known to the user who asks it: the module known_hosts, or "
        "`accept_hostkey` of the git module",
    ),
    (
        r"Permission denied \((?:publickey|gssapi|password|keyboard)",
        "the server that the task asked refuses this user: which key does the task use there?",
    ),
    (
        r"Could not resolve hostname|Name or service not known",
        "that name cannot be resolved where the task runs: check the name, and the DNS there",
    ),
    (
        r"Connection refused",
        "is that service up, and does it listen on this address and port?",
    ),
    (
        r"No route to host|Network is unreachable|Connection timed out|Operation timed out",
        "is the host up, and does a firewall let this address in?",
    ),
    (
        r"Missing sudo password|sudo: a (?:password|terminal) is required"
        r"|sudo: interactive authentication is required",
        "ask for the password with -K (--ask-become-pass)",
    ),
    (
        r"Incorrect sudo password|Sorry, try again|Authentication failure|Incorrect su password",
        "the become password is wrong: try -K again, and check ansible_become_password",
    ),
    (
        r"is not in the sudoers file|may not run sudo|sudo: I'm sorry .* I'm afraid",
        "let this user become root on the host, or connect as one who may (-u)",
    ),
    (
        r"Could not get lock /var/lib|is another process using it|dpkg frontend lock",
        "another package manager runs there (often unattended-upgrades): wait, or use "
        "`lock_timeout` of the apt module",
    ),
    (r"No space left on device", "free some disk space on the host: `df -h` says where"),
    (r"Read-only file system", "the file system is mounted read-only there: see `dmesg`, `mount`"),
    (
        r"' is undefined|has no attribute '",
        "define the variable (group_vars, vars, -e), or give it a `default()` in the template",
    ),
    (
        r"Attempting to decrypt but no vault secrets|Decryption failed",
        "give the vault password with --ask-vault-pass or --vault-password-file",
    ),
    (
        r"couldn't resolve module/action|not found in configured|Could not find imported module",
        "install the collection that has it: `ansible-galaxy collection install NAMESPACE.NAME`",
    ),
    (r"no usable Python", "install python3 there with a `raw` task first"),
    (
        r"Unable to start service|Job for \S+ failed|control process exited",
        "read its log there: `systemctl status UNIT`, `journalctl -xeu UNIT`",
    ),
    (
        r"certificate verify failed|CERTIFICATE_VERIFY_FAILED",
        "check the host's clock and its ca-certificates package",
    ),
    (
        r"Address already in use",
        "something else listens on that port: `ss -ltnp` on the host says what",
    ),
    (
        r"command not found|No such file or directory: b?'|rc=?\s?127\b",
        "the program is missing on the host, or not in the PATH that a task has",
    ),
)

_COMPILED_OF_ALL = tuple((re.compile(pattern, re.IGNORECASE), text) for pattern, text in _OF_ALL)
_COMPILED = (
    *((re.compile(pattern, re.IGNORECASE), text) for pattern, text in _OF_THE_WAY),
    *_COMPILED_OF_ALL,
)


def advice_for(failure_text: str, *, is_unreachable: bool = False) -> str:
    """Give what to try for a failure with these words, '' when nothing is known to help."""
    for pattern, text in _COMPILED if is_unreachable else _COMPILED_OF_ALL:
        if pattern.search(failure_text):
            return text
    return ""
