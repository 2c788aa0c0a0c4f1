"""One large file, and a tree of many small ones: made once, the same for all peers."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator

from benchmarks import tasks
from benchmarks.peers import Job, Start
from benchmarks.scenario import require

LARGE_BYTES = 200 * 1024 * 1024
FILES = 5000
CHUNK = 1024 * 1024

_PLAYBOOK = """\
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.copy: {{src: {source}, dest: {place}, mode: '0644'}}
"""
_TREE_PLAYBOOK = """\
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.copy: {{src: tree/, dest: {place}/}}
"""
LARGE = f"{tasks.ROOT}/large.bin"
TREE = f"{tasks.ROOT}/tree"


def write_large(job: Job) -> None:
    """Make the large file and what copies it."""
    content = random.Random(0)
    with (job.folder / "large.bin").open("wb") as file:
        for _ in range(LARGE_BYTES // CHUNK):
            file.write(content.randbytes(CHUNK))
    playbook = _PLAYBOOK.format(source="large.bin", place=LARGE)
    (job.folder / "playbook.yml").write_text(playbook, encoding="utf-8")
    deploy = "from pyinfra.operations import files\n"
    deploy += f"files.put(src='large.bin', dest={LARGE!r}, mode='644')\n"
    (job.folder / "deploy.py").write_text(deploy, encoding="utf-8")


def write_tree(job: Job) -> None:
    """Make the tree and what copies it."""
    for path, content in _tree():
        file = job.folder / "tree" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    playbook = _TREE_PLAYBOOK.format(place=TREE)
    (job.folder / "playbook.yml").write_text(playbook, encoding="utf-8")


def start_scp(job: Job) -> Start:
    """Copy the file with scp to all servers at once."""
    return _everywhere(job, f"scp -q -F {job.fleet.ssh_config} large.bin NAME:{LARGE}")


def start_rsync(job: Job) -> Start:
    """Copy the tree with rsync to all servers at once."""
    ssh = f"ssh -F {job.fleet.ssh_config}"
    return _everywhere(job, f"rsync -a -e '{ssh}' tree/ NAME:{TREE}/")


def check_large(job: Job) -> None:
    """The file is whole."""
    wanted = hashlib.sha256((job.folder / "large.bin").read_bytes()).hexdigest()
    for host, text in job.fleet.everywhere(f"sha256sum {LARGE}\n").items():
        require(text.startswith(wanted), host, "large.bin is not what was sent")


def check_tree(job: Job) -> None:
    """All files are there with their content."""
    lines = (f"{hashlib.sha256(text).hexdigest()}  ./{path}\n" for path, text in _tree())
    wanted = hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()
    script = f"cd {TREE} && find . -type f -exec sha256sum {{}} + | LC_ALL=C sort | sha256sum\n"
    for host, text in job.fleet.everywhere(script).items():
        require(text.startswith(wanted), host, "the tree is not what was sent")


def _tree() -> Iterator[tuple[str, bytes]]:
    content = random.Random(1)
    for number in range(FILES):
        yield f"d{number % 50:02}/file{number:04}.txt", content.randbytes(200 + number % 900)


def _everywhere(job: Job, line: str) -> Start:
    starts = (f'{line.replace("NAME", name)} & JOBS="$JOBS $!"\n' for name in job.fleet.names)
    script = "".join(starts) + "for JOB in $JOBS; do wait $JOB || STATUS=1; done\nexit $STATUS\n"
    (job.folder / "run-copy.sh").write_text("STATUS=0\n" + script, encoding="utf-8")
    return Start(["sh", str(job.folder / "run-copy.sh")])
