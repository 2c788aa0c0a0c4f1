"""One task over 200 items, and a template with a loop over 500: the same files for all peers."""

from __future__ import annotations

import hashlib

from benchmarks import tasks
from benchmarks.peers import Job
from benchmarks.scenario import require

ITEMS = 200
ROWS = 500
PLACE = f"{tasks.ROOT}/loop"

_PLAYBOOK = f"""\
- hosts: all
  gather_facts: false
  tasks:
    - name: directories
      ansible.builtin.file: {{path: "{PLACE}/item{{{{ item }}}}", state: directory, mode: '0755'}}
      loop: "{{{{ range(1, {ITEMS + 1}) | list }}}}"
"""
_DEPLOY = f"""\
from pyinfra.operations import files
for item in range(1, {ITEMS + 1}):
    files.directory(path=f"{PLACE}/item{{item}}", present=True, mode="755")
"""
_SHELL = f"""\
set -e
for ITEM in $(seq 1 {ITEMS}); do
  DIR={PLACE}/item$ITEM
  [ -d $DIR ] || mkdir -p $DIR
  [ "$(stat -c %a $DIR)" = 755 ] || chmod 755 $DIR
done
"""
_TEMPLATE = (
    "{% for number in range(1, " + str(ROWS + 1) + ") %}\n"
    "upstream_{{ number }} = {{ address }}:{{ 8000 + number }} weight={{ number % 7 }}\n"
    "{% endfor %}\n"
)
_TEMPLATE_PLAYBOOK = f"""\
- hosts: all
  gather_facts: false
  vars: {{address: 127.0.0.1}}
  tasks:
    - name: table
      ansible.builtin.template: {{src: table.j2, dest: {tasks.ROOT}/table.conf, mode: '0644'}}
"""
_TEMPLATE_DEPLOY = f"""\
from pyinfra.operations import files
files.template(src="table.j2", dest="{tasks.ROOT}/table.conf", mode="644",
    address="127.0.0.1", jinja_env_kwargs={{"trim_blocks": True}})
"""


def write_items(job: Job) -> None:
    """Write the loop over items for every peer."""
    _write(job, _PLAYBOOK, _DEPLOY, _SHELL)


def write_rows(job: Job) -> None:
    """Write the template with a loop for every peer."""
    (job.folder / "table.j2").write_text(_TEMPLATE, encoding="utf-8")
    shell = tasks.shell_file(_rendered(), f"{tasks.ROOT}/table.conf", "644")
    _write(job, _TEMPLATE_PLAYBOOK, _TEMPLATE_DEPLOY, f"set -e\nmkdir -p {tasks.ROOT}\n{shell}")


def check_items(job: Job) -> None:
    """All directories are there."""
    found = job.fleet.everywhere(f"find {PLACE} -type d -name 'item*' -perm 755 | wc -l\n")
    for host, text in found.items():
        require(int(text) == ITEMS, host, f"{text.strip()} directories, expected {ITEMS}")


def check_rows(job: Job) -> None:
    """The file has its content."""
    wanted = hashlib.sha256(_rendered().encode()).hexdigest()
    for host, text in job.fleet.everywhere(f"sha256sum {tasks.ROOT}/table.conf\n").items():
        require(text.startswith(wanted), host, "table.conf has another content")


def _rendered() -> str:
    return "".join(
        f"upstream_{number} = 127.0.0.1:{8000 + number} weight={number % 7}\n"
        for number in range(1, ROWS + 1)
    )


def _write(job: Job, playbook: str, deploy: str, shell: str) -> None:
    (job.folder / "playbook.yml").write_text(playbook, encoding="utf-8")
    (job.folder / "deploy.py").write_text(deploy, encoding="utf-8")
    (job.folder / "floor.sh").write_text(shell, encoding="utf-8")
