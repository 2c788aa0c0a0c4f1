"""A release as Ansistrano makes one: update a clone, export, link shared paths, switch, tidy up.

Every run deploys a commit that the servers have not seen. The playbook is plain modules in the
order and with the files of the role ansistrano.deploy (strategy git): the role itself is on
Ansible Galaxy, not on PyPI, and would not be alike for all peers.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.peers import Job
from benchmarks.scenario import require

ROOT = "/srv/herder-bench"
ORIGIN = f"{ROOT}/origin.git"
KEPT = 3
SHARED = ("log", "uploads")

PREPARE = f"""\
set -e
rm -rf {ROOT} && mkdir -p {ROOT}/work && cd {ROOT}/work
git init -q -b main . && git config user.email bench@localhost && git config user.name bench
mkdir src && for N in $(seq 1 60); do seq $N 200 > src/file$N.txt; done
echo 0 > VERSION && git add . && git commit -q -m 0 && git clone -q --bare . {ORIGIN}
"""
COMMIT = f"""\
set -e
cd {ROOT}/work && date +%N > VERSION && git commit -q -a -m next && git push -q {ORIGIN} main
"""
CHECK = f"""\
cd {ROOT}/app
cat current/VERSION {ROOT}/work/VERSION
git --git-dir={ORIGIN} rev-parse main && cat current/REVISION
ls releases | wc -l
readlink -f current/{SHARED[0]} current/{SHARED[1]}
"""

_PLAYBOOK = f"""\
- hosts: all
  gather_facts: false
  vars: {{app: {ROOT}/app, origin: {ORIGIN}, kept: {KEPT}}}
  tasks:
    - name: folders
      ansible.builtin.file: {{path: "{{{{ item }}}}", state: directory, mode: '0755'}}
      loop: ["{{{{ app }}}}/releases", "{{{{ app }}}}/shared/log", "{{{{ app }}}}/shared/uploads"]
    - name: name of the release
      ansible.builtin.command: date -u +%Y%m%d%H%M%S%N
      register: stamp
      run_once: true
      changed_when: false
    - ansible.builtin.set_fact: {{release: "{{{{ app }}}}/releases/{{{{ stamp.stdout }}}}"}}
    - name: clone
      ansible.builtin.git: {{repo: "{{{{ origin }}}}", dest: "{{{{ app }}}}/repo", version: main}}
      register: clone
    - name: release folder
      ansible.builtin.file: {{path: "{{{{ release }}}}", state: directory, mode: '0755'}}
    - name: export
      ansible.builtin.shell: git archive {{{{ clone.after }}}} | tar -x -C {{{{ release }}}}
      args: {{chdir: "{{{{ app }}}}/repo"}}
    - name: revision
      ansible.builtin.copy:
        content: "{{{{ clone.after }}}}\\n"
        dest: "{{{{ release }}}}/REVISION"
        mode: '0644'
    - name: shared paths
      ansible.builtin.file:
        path: "{{{{ release }}}}/{{{{ item }}}}"
        src: "{{{{ app }}}}/shared/{{{{ item }}}}"
        state: link
      loop: [log, uploads]
    - name: link beside
      ansible.builtin.file: {{path: "{{{{ app }}}}/next", src: "{{{{ release }}}}", state: link}}
    - name: switch
      ansible.builtin.command: mv -Tf {{{{ app }}}}/next {{{{ app }}}}/current
    - name: releases
      ansible.builtin.find: {{paths: "{{{{ app }}}}/releases", file_type: directory}}
      register: found
    - name: tidy up
      ansible.builtin.file: {{path: "{{{{ item }}}}", state: absent}}
      loop: "{{{{ (found.files | map(attribute='path') | sort)[:-kept] }}}}"
    - name: journal
      ansible.builtin.lineinfile:
        path: "{{{{ app }}}}/deploy.log"
        line: "{{{{ stamp.stdout }}}} {{{{ clone.after }}}}"
        create: true
        mode: '0644'
"""
_STEPS = f"""\
set -e
APP={ROOT}/app
mkdir -p $APP/releases $APP/shared/log $APP/shared/uploads
STAMP=$(date -u +%Y%m%d%H%M%S%N)
RELEASE=$APP/releases/$STAMP
[ -d $APP/repo ] || git clone -q -b main {ORIGIN} $APP/repo
git -C $APP/repo fetch -q origin
git -C $APP/repo reset -q --hard origin/main
COMMIT=$(git -C $APP/repo rev-parse HEAD)
mkdir -p $RELEASE
git -C $APP/repo archive $COMMIT | tar -x -C $RELEASE
echo $COMMIT > $RELEASE/REVISION
ln -s $APP/shared/log $RELEASE/log
ln -s $APP/shared/uploads $RELEASE/uploads
ln -sfn $RELEASE $APP/next
mv -Tf $APP/next $APP/current
ls -d $APP/releases/* | sort | head -n -{KEPT} | xargs -r rm -rf
echo $STAMP $COMMIT >> $APP/deploy.log
"""
_DEPLOY = f"""\
import time
from pyinfra.operations import files, git, server
app, stamp = "{ROOT}/app", time.strftime("%Y%m%d%H%M%S") + str(time.time_ns() % 10**9)
release = f"{{app}}/releases/{{stamp}}"
for folder in ("releases", "shared/log", "shared/uploads"):
    files.directory(path=f"{{app}}/{{folder}}", mode="755")
git.repo(src="{ORIGIN}", dest=f"{{app}}/repo", branch="main", pull=True)
files.directory(path=release, mode="755")
server.shell(commands=[
    f"git -C {{app}}/repo archive HEAD | tar -x -C {{release}}",
    f"git -C {{app}}/repo rev-parse HEAD > {{release}}/REVISION",
])
for folder in ("log", "uploads"):
    files.link(path=f"{{release}}/{{folder}}", target=f"{{app}}/shared/{{folder}}")
server.shell(commands=[f"ln -sfn {{release}} {{app}}/next && mv -Tf {{app}}/next {{app}}/current"])
server.shell(commands=[f"ls -d {{app}}/releases/* | sort | head -n -{KEPT} | xargs -r rm -rf"])
server.shell(commands=[
    f"echo {{stamp}} $(git -C {{app}}/repo rev-parse HEAD) >> {{app}}/deploy.log",
])
"""


def write(job: Job) -> None:
    """Write playbook, deploy and script."""
    for name, text in (("playbook.yml", _PLAYBOOK), ("deploy.py", _DEPLOY), ("floor.sh", _STEPS)):
        Path(job.folder / name).write_text(text, encoding="utf-8")


def check(job: Job) -> None:
    """The newest commit is current, its shared paths lead out of it, old releases are gone."""
    for host, text in job.fleet.everywhere(CHECK).items():
        current, newest, commit, revision, count, log, uploads = text.split()
        require(current == newest, host, f"version {current} is current, {newest} is newest")
        require(commit == revision, host, f"revision {revision}, expected {commit}")
        require(int(count) <= KEPT, host, f"{count} releases are kept, expected {KEPT}")
        require([log, uploads] == [f"{ROOT}/app/shared/{each}" for each in SHARED], host, log)
