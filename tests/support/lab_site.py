"""A small site on the machines of a lab, deployed with `herder deploy`, and asked all the time."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.lab_plays import Done, LabPlays

HOSTS = ("web1", "web2", "web3")
PORT = 8000
PLAYBOOK = """
- hosts: lab
  gather_facts: false
  serial: "{{ batch | default(1) }}"
  max_fail_percentage: 0
  order: "{{ order | default('inventory') }}"
  pre_tasks:
    - {name: Drain, command: "true", changed_when: false}
  roles: [ROLE]
  post_tasks:
    - name: Migrate
      shell: |
        sleep {{ migrate_seconds | default(0) }}
        test ! -e {{ deploy_to }}.migration-fails &&
        echo {{ ansistrano_release_version }} >> {{ deploy_to }}.migrations
      run_once: true
    - name: Push in the middle
      shell: cd /srv/git/site && echo late > index.html && git commit -qam late
      delegate_to: web1
      run_once: true
      when: push_late | default(false)
    - name: Dwell
      command: sleep {{ dwell }}
      when: inventory_hostname == dwell_on | default('') and deploy_is_going_back is not defined
    - name: Gate
      command: test ! -e {{ deploy_to }}.refuses-{{ ansistrano_release_version }}
"""
HERDER_ROLE = "herder.deploy.app"
# The role as its makers ship it, where somebody installed it; ansible-galaxy puts it there.
ANSISTRANO_ROLE = Path(os.environ.get("TEST_ROLES", "~/.ansible/roles")).expanduser() / (
    "ansistrano.deploy"
)


@dataclass
class Answers:
    """What visitors of a release file got: contents, and failures in words."""

    contents: set[str]
    failures: list[str]
    asked: int = 0


@dataclass(frozen=True)
class LabSite:
    """One site in a folder of its own on every machine; the code is in a git repository on web1."""

    plays: LabPlays
    name: str
    role: str = HERDER_ROLE
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def root(self) -> str:
        """Give the folder of the site on the machines."""
        return f"/srv/{self.name}"

    def make(self) -> None:
        """Serve /srv on all machines, and the repository on web1; write the playbook."""
        for host in HOSTS:
            self.plays.inside(host, _serve(f"python3 -m http.server -d /srv {PORT}", "site-http"))
        self.plays.inside("web1", MAKE_REPOSITORY)
        daemon = "git daemon --export-all --reuseaddr --base-path=/srv/git"
        self.plays.inside("web1", _serve(daemon, "site-git"))
        (self.plays.folder / "deploy.yml").write_text(PLAYBOOK.replace("ROLE", self.role))
        (self.plays.folder / "ansible.cfg").write_text(
            "[defaults]\ninterpreter_python=auto_silent\n"
        )
        self.push("first")

    def push(self, content: str) -> str:
        """Make a commit whose index.html says this; give the commit."""
        change = f"cd /srv/git/site && echo {content} > index.html && git add . &&"
        line = f"{change} git commit -q --allow-empty -m {content}; git rev-parse HEAD"
        return self.plays.inside("web1", line).strip()

    def push_many(self, content: str, files: int = 60) -> str:
        """Make a commit of many files that a list with their digests goes along with."""
        change = (
            f"cd /srv/git/site && mkdir -p many && for n in $(seq {files}); do"
            f" {{ echo {content}; head -c 20000 /dev/urandom; }} > many/$n; done &&"
            f" echo {content} > index.html && sha256sum index.html many/* > LIST && git add . &&"
        )
        line = f"{change} git commit -q -m {content}; git rev-parse HEAD"
        return self.plays.inside("web1", line).strip()

    def whole(self) -> list[str]:
        """Give what each machine serves: its release and content; '' where it is not whole."""
        told = "echo $(basename $(readlink current)) $(cat current/index.html)"
        return self.look(f"(cd current/ && sha256sum -c --status LIST) && {told}")

    def half_built(self) -> str:
        """Name the releases on all machines that are not whole, or not known to be."""
        broken = "for r in releases/*; do (cd $r && sha256sum -c --status LIST) || echo $r; done"
        return " ".join(self.look(f"{broken}; ls .herder/unfinished")).strip()

    def start(self, *words: str, command: str = "deploy", **given: object) -> subprocess.Popen[str]:
        """Start one of the commands around deployments."""
        source = {
            "deploy_to": self.root,
            "deploy_via": "git",
            "git_repo": f"git://{self.plays.address('web1')}/site",
            "git_branch": "main",
        }
        # Herder's role understands Ansistrano's names too.
        variables: dict[str, object] = {f"ansistrano_{name}": source[name] for name in source}
        variables |= {"ansistrano_allow_anonymous_stats": False, "deploy_to": self.root} | given
        inventory = str(self.plays.machines.place.inventory_file)
        herder = [sys.executable, "-m", "herder", command, "deploy.yml", "-i", inventory]
        plain = ["--output", "plain"] if command in ("deploy", "rollback") else []
        process = self.plays.command([*herder, *plain, "-e", json.dumps(variables), *words])
        self.started.append(process)
        return process

    def end(self) -> None:
        """End what was started and is not over."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
                process.communicate()

    def run(self, *words: str, command: str = "deploy", code: int = 0, **given: object) -> Done:
        """Run it to its end, which must have this exit code."""
        done = self.plays.done(self.start(*words, command=command, **given), 280)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def deploy(self, release: str, *words: str, code: int = 0, **given: object) -> str:
        """Deploy a release of this name; what was said."""
        done = self.run("--release", release, *words, command="deploy", code=code, **given)
        return done.stdout + done.stderr

    def look(self, line: str) -> list[str]:
        """Run a line in the site's folder on every machine; what each said."""
        return [self.plays.inside(host, f"cd {self.root} && {line}").strip() for host in HOSTS]

    def current(self) -> list[str]:
        """Give the release that each machine serves; '' where `current` leads nowhere."""
        return self.look("test -e current/index.html && basename $(readlink current)")

    def serves(self, host: str, release: str) -> bool:
        """Wait until a host serves a release; say whether it came to that."""
        line = f"readlink {self.root}/current | grep -q '/{release}$'"
        return self.plays.wait_until(host, line, seconds=200)

    def log(self, host: str) -> list[dict[str, object]]:
        """Give the lines of the log on a host."""
        text = self.plays.inside(host, f"cat {self.root}/.herder/deployments.log")
        return [json.loads(line) for line in text.splitlines()]

    def migrations(self) -> list[str]:
        """Give the releases for which the migration ran, over all machines."""
        said = [
            self.plays.inside(host, f"cat {self.root}.migrations 2>/dev/null") for host in HOSTS
        ]
        return " ".join(said).split()

    def fail_migrations(self, *, is_failing: bool) -> None:
        """Let the migration fail on every machine, or no more."""
        for host in HOSTS:
            verb = "touch" if is_failing else "rm -f"
            self.plays.inside(host, f"{verb} {self.root}.migration-fails")

    def accept(self, host: str, release: str) -> None:
        """Let the gate of one host no longer fail for a release."""
        self.plays.inside(host, f"rm {self.root}.refuses-{release}")

    def refuse(self, host: str, release: str) -> None:
        """Let the gate of one host fail for a release."""
        self.plays.inside(host, f"touch {self.root}.refuses-{release}")

    @contextlib.contextmanager
    def visited(self) -> Iterator[Answers]:
        """Ask every machine all the time, from before to after what is done meanwhile."""
        answers, is_over = Answers(set(), []), threading.Event()
        threads = [
            threading.Thread(target=self._ask, args=(host, answers, is_over)) for host in HOSTS
        ]
        for thread in threads:
            thread.start()
        try:
            yield answers
        finally:
            time.sleep(0.5)
            is_over.set()
            for thread in threads:
                thread.join()

    def _ask(self, host: str, answers: Answers, is_over: threading.Event) -> None:
        url = f"http://{self.plays.address(host)}:{PORT}/{self.name}/current/index.html"
        while not is_over.wait(0.02):
            answers.asked += 1
            try:
                with urllib.request.urlopen(url, timeout=15) as page:
                    answers.contents.add(page.read().decode().strip())
            except OSError as error:
                answers.failures.append(f"{host}: {error}")


def _serve(command: str, unit: str) -> str:
    return f"systemctl is-active -q {unit} || systemd-run -q --unit {unit} {command}"


MAKE_REPOSITORY = """\
test -e /srv/git/site || {
  mkdir -p /srv/git && git init -q -b main /srv/git/site && cd /srv/git/site &&
  git config user.name t && git config user.email t@example.org
}
git config --global safe.directory '*'"""
