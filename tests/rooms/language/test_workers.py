"""language/workers.py: the connection follows the user, host, port and become of each task."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rooms.language.conftest import Play
from tests.support.ssh_server import PASSWORD, SshServer, server_or_skip
from tests.support.two_engines import run_both

PLAY = """\
- hosts: all
  gather_facts: false
  tasks:
    - {name: By inventory, command: "{{ who }}"}
    - {name: By keyword, command: "{{ who }}", remote_user: asker, vars: {ansible_user: asker}}
    - {name: By inventory again, command: "{{ who }}"}
    - {name: By a template, command: "{{ who }}", vars: {ansible_user: "{{ other }}"}}
    - {name: From now on, set_fact: {other: asker}}
    - {name: By what it is now, command: "{{ who }}", vars: {ansible_user: "{{ other }}"}}
    - name: For items
      command: "{{ who }}"
      vars: {ansible_user: "{{ item }}"}
      loop: [free, asker, free, root]
    - name: By delegation for some
      command: "{{ who }}"
      delegate_to: "{{ item }}"
      loop: ["{{ inventory_hostname }}", localhost, "{{ inventory_hostname }}"]
    - {name: By a fact, set_fact: {ansible_user: free}}
    - {name: Free, command: "{{ who }}"}
    - {name: Root by sudo, command: "{{ who }}", become: true}
    - {name: Free again, command: "{{ who }}"}
    - {name: Here, command: "{{ who }}", vars: {ansible_connection: local}}
    - {name: There, command: "{{ who }}"}
    - name: Far away
      command: "{{ who }}"
      vars: {ansible_port: 1}
      ignore_unreachable: true
    - {name: Near, command: "{{ who }}"}
    - name: Nowhere
      command: "{{ who }}"
      vars: {ansible_host: "{{ nowhere }}"}
      ignore_errors: true
    - {name: Somewhere, command: "{{ who }}"}
    - name: With another word for ssh
      command: sh -c 'echo $LC_OF_TEST'
      vars:
        ansible_ssh_extra_args: "-o SetEnv=LC_OF_TEST=x"
    - {name: By a later fact, set_fact: {ansible_user: asker}}
    - name: With the wrong password
      command: "{{ who }}"
      become: true
      vars: {ansible_become_password: wrong}
      ignore_errors: true
      ignore_unreachable: true
    - name: With the right password
      command: "{{ who }}"
      become: true
      vars: {ansible_become_password: "{{ password }}"}
    - {name: Without any, command: "{{ who }}"}
    - {name: Anew, meta: reset_connection}
    - {name: After that, command: "{{ who }}"}
- hosts: all
  gather_facts: false
  remote_user: free
  become: true
  become_user: nobody
  tasks:
    - {name: The last fact, set_fact: {ansible_user: free}}
    - {name: Nobody, command: "{{ who }}"}
    - {name: Not nobody, command: "{{ who }}", become: false}
    - {name: Nobody at last, command: "{{ who }}"}
"""

WARNING_MODULE = """\
from ansible.module_utils.basic import AnsibleModule
module = AnsibleModule({"about": {}})
module.warn("mind " + module.params["about"])
module.exit_json()
"""
LISTENING = """\
from ansible.plugins.callback import CallbackBase
class CallbackModule(CallbackBase):
    CALLBACK_NAME = "listening"
    def v2_runner_item_on_ok(self, result):
        self._display.display(f"heard: {result._result.get('warnings')}")
"""


@pytest.fixture(scope="module")
def server() -> Iterator[SshServer]:
    """Give a running server with users of its own."""
    with server_or_skip() as server:
        yield server


def _site(folder: Path, server: SshServer) -> Path:
    variables = {
        "ansible_host": "127.0.0.1",
        "ansible_port": server.port,
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(server.key),
        "ansible_ssh_common_args": " ".join(server.arguments),
        "ansible_python_interpreter": "/usr/bin/python3",
        "other": "free",
        "password": PASSWORD,
        # the address of who asks differs each time; whether there is one tells ssh from local
        "who": "sh -c 'id -un; echo ${SSH_CONNECTION:+by ssh}'",
    }
    inventory = {"all": {"hosts": {"one": variables}}}
    folder.mkdir()
    (folder / "hosts.json").write_text(json.dumps(inventory))
    (folder / "site.yml").write_text(PLAY)
    return folder


@pytest.mark.engines
@pytest.mark.timeout(300)
def test_who_and_where_follows_from_task_to_task(server: SshServer, tmp_path: Path) -> None:
    """A task that ran as the user of the one before would be the worst of all faults."""
    site = _site(tmp_path / "site", server)

    stock, herder = run_both(site, ["-i", "hosts.json", "-v", "site.yml"], tmp_path)

    assert _told(herder.text) == _told(stock.text), herder.text
    assert herder.recap == stock.recap, herder.text
    assert (herder.exit_code, stock.exit_code) == (0, 0), stock.text


def test_callbacks_are_told_what_an_item_was_when_it_was_sent(play: Play, tmp_path: Path) -> None:
    """The task goes on meanwhile, and gathers its items' warnings for the result of all."""
    for folder, name, content in (
        ("library", "warning", WARNING_MODULE),
        ("callback_plugins", "listening", LISTENING),
    ):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"{name}.py").write_text(content)
    done = play([{"warning": {"about": "{{ item }}"}, "loop": ["one", "two", "three"]}])
    heard = re.findall(r"heard: (.*)", done.stdout)
    assert heard == ["['mind one']", "['mind two']", "['mind three']"], done.stdout


def _told(text: str) -> list[tuple[str, str]]:
    """Give what became of each task and item, and what was said on the host."""
    told = re.findall(r"^(TASK|ok|changed|fatal|failed|skipping)(.*)", text, re.MULTILINE)
    return [(word, rest if word == "TASK" else _stdout(rest)) for word, rest in told]


def _stdout(rest: str) -> str:
    said = re.search(r'"stdout": "(.*?)"', rest)
    return said[1] if said else re.sub(r"=> \{.*", "", rest)
