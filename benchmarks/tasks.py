"""The 30 tasks of most scenarios, each as an Ansible task, a pyinfra operation and lines of shell.

Six each of file, copy, template, lineinfile and command. All three forms lead to the same files,
modes and lines below `ROOT` and look before they change, so that a second run changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = "/tmp/herder-bench"
ROUNDS = 6


@dataclass(frozen=True, slots=True)
class Step:
    """One task in its three forms."""

    playbook: str
    deploy: str
    shell: str


def steps(root: str = ROOT) -> list[Step]:
    """Give five tasks for each round."""
    return [step for number in range(1, ROUNDS + 1) for step in _round(number, root)]


def write(folder: Path, root: str = ROOT) -> None:
    """Write playbook.yml, deploy.py, floor.sh and the files they send into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(1, ROUNDS + 1):
        (folder / f"copy{number}.conf").write_text(_copied(number), encoding="utf-8")
        (folder / f"template{number}.j2").write_text(_template(number), encoding="utf-8")
    every = steps(root)
    (folder / "playbook.yml").write_text(_playbook(step.playbook for step in every))
    (folder / "deploy.py").write_text(_deploy(step.deploy for step in every))
    (folder / "floor.sh").write_text("set -e\n" + "".join(step.shell for step in every))


def expected(host: str, root: str = ROOT) -> dict[str, tuple[str, str]]:
    """Give what a server must have: mode and content (of a directory: empty) by path."""
    found: dict[str, tuple[str, str]] = {}
    for number in range(1, ROUNDS + 1):
        place = f"{root}/app{number}"
        found[place] = ("755", "")
        found[f"{place}/copy.conf"] = ("644", _copied(number))
        found[f"{place}/template.conf"] = ("640", _rendered(number, host))
        found[f"{place}/lines.conf"] = ("644", f"key{number}=value{number}\n")
    return found


def _copied(number: int) -> str:
    return "".join(f"setting_{line} = {number * line}\n" for line in range(1, 60))


def _template(number: int) -> str:
    return (
        f"# application {number} on {{{{ inventory_hostname }}}}\n"
        "{% for port in ports %}\nlisten {{ address }}:{{ port }}\n{% endfor %}\n"
        "{% if debug | default(false) %}\ndebug on\n{% endif %}\n"
    )


def _rendered(number: int, host: str) -> str:
    lines = "".join(f"listen 127.0.0.1:{port}\n" for port in range(8000, 8005))
    return f"# application {number} on {host}\n{lines}"


def _round(number: int, root: str) -> Iterable[Step]:
    place = f"{root}/app{number}"
    yield Step(
        f"    - name: directory {number}\n"
        f"      ansible.builtin.file: {{path: '{place}', state: directory, mode: '0755'}}\n",
        f"files.directory(path='{place}', present=True, mode='755')\n",
        f"[ -d {place} ] || mkdir -p {place}\n"
        f'[ "$(stat -c %a {place})" = 755 ] || chmod 755 {place}\n',
    )
    yield Step(
        f"    - name: copy {number}\n"
        f"      ansible.builtin.copy: {{src: copy{number}.conf, dest: '{place}/copy.conf',"
        " mode: '0644'}\n",
        f"files.put(src='copy{number}.conf', dest='{place}/copy.conf', mode='644')\n",
        shell_file(_copied(number), f"{place}/copy.conf", "644"),
    )
    yield Step(
        f"    - name: template {number}\n"
        f"      ansible.builtin.template: {{src: template{number}.j2,"
        f" dest: '{place}/template.conf', mode: '0640'}}\n",
        f"files.template(src='template{number}.j2', dest='{place}/template.conf', mode='640',\n"
        "    inventory_hostname=host.name, ports=PORTS, address='127.0.0.1',\n"
        "    jinja_env_kwargs={'trim_blocks': True})\n",
        shell_file(_rendered(number, "$NAME"), f"{place}/template.conf", "640"),
    )
    yield Step(
        f"    - name: line {number}\n"
        f"      ansible.builtin.lineinfile: {{path: '{place}/lines.conf', create: true,"
        f" regexp: '^key{number}=', line: key{number}=value{number}, mode: '0644'}}\n",
        f"files.line(path='{place}/lines.conf', line='^key{number}=.*',"
        f" replace='key{number}=value{number}')\n",
        f"grep -qx key{number}=value{number} {place}/lines.conf 2>/dev/null || {{\n"
        f"  echo key{number}=value{number} >> {place}/lines.conf\n"
        f"  chmod 644 {place}/lines.conf\n}}\n",
    )
    yield Step(
        f"    - name: command {number}\n"
        f"      ansible.builtin.command: test -d {place}\n"
        "      changed_when: false\n",
        f"server.shell(commands=['test -d {place}'])\n",
        f"test -d {place}\n",
    )


def shell_file(content: str, path: str, mode: str) -> str:
    """Give shell that brings a file to this content and mode."""
    return (
        f"WANTED=$(cat <<END\n{content}END\n)\n"
        f'[ "$WANTED" = "$(cat {path} 2>/dev/null)" ] || printf "%s\\n" "$WANTED" > {path}\n'
        f'[ "$(stat -c %a {path})" = {mode} ] || chmod {mode} {path}\n'
    )


def _playbook(tasks: Iterable[str]) -> str:
    return (
        "- hosts: all\n"
        "  gather_facts: false\n"
        "  vars: {address: 127.0.0.1, ports: [8000, 8001, 8002, 8003, 8004]}\n"
        "  tasks:\n" + "".join(tasks)
    )


def _deploy(operations: Iterable[str]) -> str:
    return (
        "from pyinfra import host\n"
        "from pyinfra.operations import files, server\n\n"
        "PORTS = [8000, 8001, 8002, 8003, 8004]\n" + "".join(operations)
    )
