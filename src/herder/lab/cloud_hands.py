"""Does to the lab's servers what the cloud's endpoint was asked for; knows nothing of AWS."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from herder.errors import LabError
from herder.lab.cloud_state import images_directory
from herder.lab.inventory import ssh_arguments, ssh_words
from herder.lab.servers import Servers, ServerWish
from herder.lab.state import Kind, Server

CLOUD_USER = "admin"
"""The account that logs in to an instance, as on Debian's own images for EC2."""

_LIMIT_SECONDS = 60.0
_USER = """
id {user} >/dev/null 2>&1 || useradd --create-home --shell /bin/bash {user}
install -d -m 700 -o {user} -g {user} /home/{user}/.ssh
printf '%s' {keys} >/home/{user}/.ssh/authorized_keys
chmod 600 /home/{user}/.ssh/authorized_keys
chown {user}:{user} /home/{user}/.ssh/authorized_keys
printf '%s\\n' '{user} ALL=(ALL) NOPASSWD:ALL' >/etc/sudoers.d/90-cloud
chmod 440 /etc/sudoers.d/90-cloud
"""
# As cloud-init keeps it; a script runs once, beside everything else, and its output is kept.
_USER_DATA = """
mkdir -p {folder}
cat >{folder}/user-data.txt <<'END-OF-USER-DATA'
{text}
END-OF-USER-DATA
chmod 700 {folder}/user-data.txt
case $(head -c 2 {folder}/user-data.txt) in
'#!') setsid {folder}/user-data.txt >{log} 2>&1 </dev/null & ;;
esac
"""


@dataclass(frozen=True, slots=True)
class FirstBoot:
    """What an instance finds at its first boot. *Shapes*: `keys` are authorized_keys lines."""

    keys: tuple[str, ...] = ()
    user_data: str = ""


@dataclass(frozen=True, slots=True)
class CloudHands:
    """The servers of one lab, made and unmade as instances. All calls block."""

    servers: Servers

    @property
    def has_machines(self) -> bool:
        return self.servers.state().kind is Kind.MACHINES

    def login(self, server: Server) -> dict[str, str]:
        """Give what a client has to know that EC2 has no field for; it is told as tags.

        The host's key is known here; a server that is a process has no port 22 and one account.
        """
        options = ssh_arguments(self.servers.place)
        if self.has_machines:
            return {"ssh-options": options}
        return {"ssh-options": options, "ssh-port": str(server.port), "ssh-user": server.user}

    def create(self, name: str, image: str, keys: Sequence[str]) -> Server:
        """Make a server, from the image's layer if it has one; `first_boot` comes next.

        *Raises*: LabError; then nothing is left of the server.
        """
        layer = self._layer(image)
        wish = ServerWish(
            name,
            layers=(layer,) if layer.is_dir() else (),
            authorized_keys=tuple(keys),
        )
        try:
            return self.servers.create(wish)
        except BaseException:
            self.servers.destroy(name)
            raise

    def first_boot(self, name: str, wish: FirstBoot, goes_on: Callable[[], bool]) -> Server:
        """Boot a server and do what cloud-init does. *Raises*: LabError, without an answer."""
        server = self.boot(name, goes_on)
        script = first_boot_script(wish, has_machines=self.has_machines)
        _run(ssh_words(self.servers.place, server), script)
        return server

    def boot(self, name: str, goes_on: Callable[[], bool]) -> Server:
        """Boot a server and wait for it, as long as it is wanted. *Raises*: LabError."""
        self.servers.boot(name)
        return self.servers.wait(name, goes_on=goes_on)

    def stop(self, name: str) -> None:
        self.servers.stop(name)

    def destroy(self, name: str) -> None:
        self.servers.destroy(name)

    def keep(self, name: str, image: str, *, is_running: bool) -> None:
        """Keep a server's files as an image; one that runs is stopped, `boot` comes next."""
        if is_running:
            self.servers.stop(name)
        self.servers.keep_layer(name, self._layer(image))

    def forget(self, image: str) -> None:
        shutil.rmtree(self._layer(image), ignore_errors=True)

    def command(self, name: str, command: str) -> str:
        """Run a command line on a server as its main user; give what it prints."""
        server = self.servers.state().server(name)
        return _run([*ssh_words(self.servers.place, server), command], "")

    def _layer(self, image: str) -> Path:
        return images_directory(self.servers.place) / image


def first_boot_script(wish: FirstBoot, *, has_machines: bool) -> str:
    """Give the shell script that makes the cloud's user and starts the user data."""
    parts = ["set -eu"]
    folder, log = "$HOME/.cloud", "$HOME/.cloud/output.log"
    if has_machines:
        keys = shlex.quote("".join(f"{key}\n" for key in wish.keys))
        parts.append(_USER.format(user=CLOUD_USER, keys=keys))
        folder, log = "/var/lib/cloud/instance", "/var/log/cloud-init-output.log"
    if wish.user_data:
        parts.append(_USER_DATA.format(folder=folder, log=log, text=wish.user_data.rstrip("\n")))
    return "\n".join([*parts, ""])


def _run(words: Sequence[str], stdin: str) -> str:
    command = [*words, "sh"] if stdin else words
    try:
        ended = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=_LIMIT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise LabError(f"no answer over ssh within {_LIMIT_SECONDS:.0f} s") from error
    if ended.returncode != 0:
        raise LabError(f"ssh failed: {ended.stderr.strip() or ended.returncode}")
    return ended.stdout
