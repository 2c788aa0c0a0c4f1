"""A throw-away copy of this machine, made from inside fresh namespaces.

An overlay over `/` whose upper layer is in memory, with its own /proc, /dev and /run. Nothing
that is done in it outlives it. *Then*: everything runs in the copy; there is no way back.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from pathlib import Path
from typing import IO

DEVICES = {
    "null": (1, 3),
    "zero": (1, 5),
    "full": (1, 7),
    "random": (1, 8),
    "urandom": (1, 9),
    "tty": (5, 0),
}
DEVICE_LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "fd/0",
    "stdout": "fd/1",
    "stderr": "fd/2",
    "ptmx": "pts/ptmx",
}
DROPPED_CAPABILITIES = (16, 17, 22, 25)  # SYS_MODULE, SYS_RAWIO, SYS_BOOT, SYS_TIME
PR_SET_NAME = 15
PR_CAPBSET_DROP = 24


def run_command(*words: object, stdout: int | IO[bytes] | None = None) -> None:
    """Run a command without input. *Raises*: CalledProcessError, when it fails."""
    subprocess.run(
        [str(word) for word in words], check=True, stdin=subprocess.DEVNULL, stdout=stdout
    )


def enter_copy(top: Path, layers: tuple[str, ...], shown: dict[Path, Path]) -> None:
    """Make the copy in the empty folder `top` and make it this process's root.

    *Shapes*: `shown` maps folders of this machine to where the copy shows them.
    """
    _mount("-t", "tmpfs", "-o", "size=50%", "tmpfs", top)
    root = top / "root"
    root.mkdir()
    _overlay(top / "machine", ":".join([*layers, "/"]), root)
    for number, (outside, inside) in enumerate(shown.items()):
        place = root / inside.relative_to("/")
        place.mkdir(parents=True, exist_ok=True)
        _overlay(top / f"shown{number}", str(outside), place)
    _system_mounts(root)
    run_command("ip", "link", "set", "lo", "up")
    _change_root(root)
    _give_up_powers()


def _overlay(memory: Path, lower: str, place: Path) -> None:
    """Show the lower folders at `place`; what is written there stays in the folder `memory`."""
    for name in ("upper", "work"):
        (memory / name).mkdir(parents=True)
    upper = f"upperdir={memory}/upper,workdir={memory}/work"
    _mount("-t", "overlay", "-o", f"lowerdir={lower},{upper},redirect_dir=on", "overlay", place)


def _system_mounts(root: Path) -> None:
    _mount("-t", "proc", "proc", root / "proc")
    _mount("--bind", "-o", "ro", root / "proc/sys", root / "proc/sys")
    _mount("-t", "sysfs", "-o", "ro", "sysfs", root / "sys")
    _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", root / "run")
    _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", root / "dev")
    _devices(root / "dev")


def _devices(folder: Path) -> None:
    for name, (major, minor) in DEVICES.items():
        os.mknod(folder / name, 0o020666, os.makedev(major, minor))
        (folder / name).chmod(0o666)
    for name, destination in DEVICE_LINKS.items():
        (folder / name).symlink_to(destination)
    for name in ("pts", "shm"):
        (folder / name).mkdir()
    _mount(
        "-t", "devpts", "-o", "newinstance,ptmxmode=0666,mode=620,gid=5", "devpts", folder / "pts"
    )
    _mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", folder / "shm")


def _change_root(root: Path) -> None:
    old_root = root / "run/old_root"
    old_root.mkdir()
    os.chdir("/")
    run_command("pivot_root", root, old_root)
    os.chdir("/")
    run_command("umount", "--lazy", "/run/old_root")
    Path("/run/old_root").rmdir()


def _give_up_powers() -> None:
    libc = ctypes.CDLL(None)
    # Facts take the name of PID 1 for the service manager's.
    libc.prctl(PR_SET_NAME, b"sandbox", 0, 0, 0)
    for capability in DROPPED_CAPABILITIES:
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


def forget_the_user(home: Path, wheels: str) -> None:
    """Remove the user's settings from the copy and set those that targets need."""
    for path in (".ansible", ".ssh", ".config/pip", ".pip"):
        shutil.rmtree(home / path, ignore_errors=True)
    shutil.rmtree("/etc/ansible", ignore_errors=True)
    (home / ".ansible.cfg").unlink(missing_ok=True)
    _settings_for_pip(wheels)
    with Path("/etc/hosts").open("a") as hosts:
        hosts.write(f"127.0.1.1 {os.uname().nodename}\n")
    for name in ("/run/lock", "/run/sshd"):
        Path(name).mkdir()


def let_all_users_run(program: Path) -> None:
    """Let users other than root pass through the folders of a program, in the copy."""
    for folder in program.resolve().parents:
        folder.chmod(folder.stat().st_mode | 0o111)


def _settings_for_pip(wheels: str) -> None:
    lines = ["[global]", "disable-pip-version-check = true", "no-index = true"]
    if wheels:
        lines.append(f"find-links = {wheels}")
    Path("/etc/pip.conf").write_text("\n".join(lines) + "\n")


def allow_ssh_to_self(keys: Path, *, start_server: bool) -> None:
    """Make keys with which root may log in to this machine, and start sshd when asked for."""
    keys.mkdir(mode=0o700)
    run_command("ssh-keygen", "-A", stdout=subprocess.DEVNULL)
    key = keys / "id_rsa"
    run_command("ssh-keygen", "-q", "-m", "PEM", "-t", "rsa", "-b", "2048", "-N", "", "-f", key)
    shutil.copy(keys / "id_rsa.pub", keys / "authorized_keys")
    host_keys = sorted(Path("/etc/ssh").glob("ssh_host_*_key.pub"))
    known = "".join(f"localhost {path.read_text()}" for path in host_keys)
    (keys / "known_hosts").write_text(known)
    if start_server:
        run_command("/usr/sbin/sshd", "-o", "PermitRootLogin=yes", "-o", "UseDNS=no")


def _mount(*words: object) -> None:
    run_command("mount", *words)
