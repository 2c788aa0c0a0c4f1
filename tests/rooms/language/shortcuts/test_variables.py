"""shortcuts/variables.py: a host's variables are those of ansible-core, whatever has changed.

`site.ask` compares each answer with the long way: values, types, tags and the order of the names.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible import constants

from herder.language.shortcuts.install import install_shortcuts
from tests.support.play_variables import PlayVariables
from tests.support.plugins import load_plugins

PLAY = """\
- hosts: all
  gather_facts: false
  vars: {color: red}
  tasks:
    - {name: first, ping: }
    - {name: second, ping: }
    - {name: own, ping: , vars: {a_own: 1, color: green, answer: of the task}}
    - {name: elsewhere, ping: , environment: {LANG: C}}
    - name: a block
      vars: {color: blue, answer: of the block}
      block:
        - {name: inner, ping: }
        - {name: inner two, ping: }
"""
HOSTS = """\
[front]
web1 size=1
web2 size=2
[front:vars]
place=here
"""


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    """Once in a process, as in a run."""
    load_plugins()
    install_shortcuts()


@pytest.fixture
def site(tmp_path: Path) -> PlayVariables:
    """Give a play whose variables were asked for once."""
    site = PlayVariables.of(tmp_path, PLAY, HOSTS)
    # the plugin for group_vars is known from the second time on
    for name in ("first", "second"):
        site.ask(site.task(name))
    return site


def test_tasks_of_a_block_share_a_merge(site: PlayVariables) -> None:
    """Else nothing would be gained."""
    for name in ("first", "second", "elsewhere", "own"):
        site.ask(site.task(name))

    assert site.merges == 1


def test_each_receiver_has_a_dict_of_its_own(site: PlayVariables) -> None:
    """Task executors put loop variables and connection variables into it."""
    task = site.task("first")
    mine = site.ask(task)

    mine["item"] = mine["vars"]["item"] = 1
    del mine["color"]

    assert "item" not in site.ask(task)


def test_what_a_plugin_puts_into_the_facts_is_for_its_task_only(site: PlayVariables) -> None:
    """wait_for_connection takes out which Python was found, discovery puts it in."""
    site.manager.set_host_facts("web1", {"discovered_interpreter_python": "/usr/bin/python3"})
    task = site.task("first")
    for _ in range(2):
        mine = site.ask(task)
        mine["ansible_facts"].pop("discovered_interpreter_python")

    assert site.ask(task)["ansible_facts"] == {
        "discovered_interpreter_python": "/usr/bin/python3",
    }


def _register(site: PlayVariables) -> None:
    site.manager.set_nonpersistent_facts("web1", {"answer": {"rc": 0}})


def _set_facts(site: PlayVariables) -> None:
    # more names than a set would by chance give in their order
    site.manager.set_nonpersistent_facts("web1", {f"a_{n}": n for n in range(30)})


def _set_a_magic_name(site: PlayVariables) -> None:
    site.is_in_order = False
    site.manager.set_nonpersistent_facts("web1", {"playbook_dir": "/", "groups": 1, "b": 2})


def _set_vars_and_environment(site: PlayVariables) -> None:
    site.is_in_order = False
    site.manager.set_nonpersistent_facts("web1", {"environment": "production"})
    site.manager.set_nonpersistent_facts("web1", {"vars": {"of": "a user"}, "after": 1})


def _cache_a_fact(site: PlayVariables) -> None:
    site.manager.set_host_facts("web1", {"kept": "fact", "ansible_os": "x"})
    site.manager.set_nonpersistent_facts("web1", {"kept": "fact"})


def _change_a_fact(site: PlayVariables) -> None:
    site.manager.set_host_facts("web1", {"ansible_local": {"a": 1}, "ansible_os": "x"})
    site.ask(site.task("first"))
    site.manager.set_host_facts("web1", {"ansible_local": {"a": 2}, "ansible_mem": 1})


def _clear_facts(site: PlayVariables) -> None:
    site.manager.set_host_facts("web1", {"ansible_os": "x"})
    site.ask(site.task("first"))
    site.manager.clear_facts("web1")


def _include_vars(site: PlayVariables) -> None:
    site.manager.set_host_variable("web1", "answer", {"a": 1})
    site.ask(site.task("first"))
    site.manager.set_host_variable("web1", "answer", {"b": 2})
    site.manager.set_nonpersistent_facts("web1", {"later": 1})


def _add_a_host(site: PlayVariables) -> None:
    site.inventory._inventory.add_host("web9", "front")
    site.inventory.get_host("web9").set_variable("size", 9)


def _change_a_host(site: PlayVariables) -> None:
    site.inventory._inventory.set_variable("web1", "size", 7)


def _group_by(site: PlayVariables) -> None:
    site.inventory._inventory.add_group("big")
    site.inventory._inventory.add_child("big", "web1")
    site.inventory.groups["big"].set_variable("place", "there")


def _refresh(site: PlayVariables) -> None:
    source = Path(site.inventory._sources[0])
    source.write_text("web1 size=5\nweb2\nweb3\n")
    site.inventory.refresh_inventory()


def _lose_a_host(site: PlayVariables) -> None:
    site.play._removed_hosts.append("web2")


def _lose_another_host(site: PlayVariables) -> None:
    site.play._removed_hosts.append("web2")
    site.ask(site.task("first"))
    site.play._removed_hosts.remove("web2")
    site.play._removed_hosts.append("web1")


def _go_elsewhere(site: PlayVariables) -> None:
    site.manager._loader.set_basedir("/")


CHANGES = (
    _register,
    _set_facts,
    _set_a_magic_name,
    _set_vars_and_environment,
    _cache_a_fact,
    _change_a_fact,
    _clear_facts,
    _include_vars,
    _add_a_host,
    _change_a_host,
    _group_by,
    _refresh,
    _lose_a_host,
    _lose_another_host,
    _go_elsewhere,
)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__.strip("_"))
def test_a_change_is_seen_by_every_task_and_host(
    site: PlayVariables, change: Callable[[PlayVariables], None]
) -> None:
    """Each of these goes into the variables in another way."""
    hosts, hosts_all = ["web1"], ["web1", "web2"]

    def ask_all() -> None:
        for host in hosts_all:
            site.ask(host=host, play=None, include_hostvars=False)
            site.ask(host=host)
            for name in ("first", "own", "elsewhere", "inner", "inner two"):
                site.ask(site.task(name), host, _hosts=hosts, _hosts_all=hosts_all)

    ask_all()

    change(site)

    ask_all()
    ask_all()


def test_extra_variables_are_stronger_than_what_is_registered(tmp_path: Path) -> None:
    """Also where the name is registered later, and where the task has it, too."""
    site = PlayVariables.of(tmp_path, PLAY, HOSTS)
    site.is_in_order = False
    site.manager._extra_vars = {"answer": "given", "color": "any"}
    for name in ("first", "second", "own", "inner", "inner two"):
        site.ask(site.task(name))

    site.manager.set_nonpersistent_facts("web1", {"answer": 1, "a_own": 2, "new": 3})

    for name in ("first", "second", "own", "inner", "inner two"):
        assert site.ask(site.task(name))["answer"] == "given"


def test_hosts_variables_of_another_host_follow_its_changes(site: PlayVariables) -> None:
    """Templates of one host read what another one has just registered."""
    hostvars = site.ask(site.task("first"))["hostvars"]
    before = hostvars["web2"].get("answer")

    site.manager.set_nonpersistent_facts("web2", {"answer": "new"})

    assert (before, hostvars["web2"]["answer"]) == (None, "new")


def test_a_vars_file_that_a_task_writes_is_read_again(tmp_path: Path) -> None:
    """ansible-core reads them for each task."""
    file = tmp_path / "more.yml"
    file.write_text("size: 1\n")
    os.utime(file, (1, 1))
    site = PlayVariables.of(tmp_path, PLAY.replace("gather", "vars_files: [more.yml]\n  gather"))
    found = [site.ask(site.task("first"))["size"] for _ in range(3)]
    merges = site.merges

    file.write_text("size: 22\n")

    assert [*found, site.ask(site.task("second"))["size"]] == [1, 1, 1, 22]
    assert merges == 1


def test_a_vars_file_that_is_written_twice_at_one_moment_is_read_twice(tmp_path: Path) -> None:
    """Neither date nor size tell the one from the other, as where a file system's clock is slow."""
    file, moment = tmp_path / "more.yml", time.time_ns()
    site = PlayVariables.of(tmp_path, PLAY.replace("gather", "vars_files: [more.yml]\n  gather"))
    found = []
    for size in (1, 2):
        file.write_text(f"size: {size}\n")
        os.utime(file, ns=(moment, moment))
        found.append(site.ask(site.task("first"))["size"])

    assert found == [1, 2]


@pytest.mark.parametrize("files", ["['{{ color }}.yml']", "[[no.yml, red.yml]]"])
def test_vars_files_that_follow_from_variables_or_from_what_is_there(
    tmp_path: Path, files: str
) -> None:
    """What they give is never kept."""
    (tmp_path / "red.yml").write_text("size: 1\n")
    (tmp_path / "blue.yml").write_text("size: 2\n")
    site = PlayVariables.of(tmp_path, PLAY.replace("gather", f"vars_files: {files}\n  gather"))
    found = [site.ask(site.task("first"))["size"] for _ in range(3)]

    site.manager._extra_vars = {"color": "blue"}
    (tmp_path / "no.yml").write_text("size: 2\n")

    assert [*found, site.ask(site.task("second"))["size"]] == [1, 1, 1, 2]


ROLE_PLAY = """\
- hosts: all
  gather_facts: false
  roles: [{role: app, listens: 80}, {role: app, listens: 81}]
  tasks:
    - {name: after, ping: }
    - {name: after two, ping: }
"""


def test_roles_give_their_defaults_variables_and_parameters(tmp_path: Path) -> None:
    """The same role twice, with another parameter each time, and what a task registered."""
    for name, text in {
        "defaults": "color: of the default\nsize: 1\n",
        "vars": "size: of the role\n",
        "tasks": "- {name: in role, ping: }\n- {name: in role two, ping: }\n",
    }.items():
        (tmp_path / "roles" / "app" / name).mkdir(parents=True)
        (tmp_path / "roles" / "app" / name / "main.yml").write_text(text)
    site = PlayVariables.of(tmp_path, ROLE_PLAY)
    site.is_in_order = False
    for _ in range(3):
        ports = [site.ask(task).get("listens") for task in site.tasks() if task.action == "ping"]
        site.manager.set_nonpersistent_facts("web1", {"listens": 1, "size": 2, "new": 3})

    assert ports == [80, 80, 81, 81, 1, 1]


def test_merged_hashes_are_never_kept(site: PlayVariables) -> None:
    """What is registered would have to be merged deeply."""
    constants.DEFAULT_HASH_BEHAVIOUR = "merge"
    try:
        site.manager.set_nonpersistent_facts("web1", {"answer": {"a": 1}})
        site.ask(site.task("inner"))
        site.manager.set_nonpersistent_facts("web1", {"answer": {"b": 1}})
        site.ask(site.task("inner"))
    finally:
        constants.DEFAULT_HASH_BEHAVIOUR = "replace"


def test_few_merges_are_kept_of_a_host(tmp_path: Path) -> None:
    """With many hosts and blocks, all of them would be gigabytes."""
    blocks = "".join(
        f"    - vars: {{n: {n}}}\n      block:\n        - {{name: t{n}, ping: }}\n"
        for n in range(40)
    )
    site = PlayVariables.of(tmp_path, PLAY + blocks, HOSTS)

    for task in site.tasks():
        site.ask(task)

    assert 0 < site.merges <= 8


def test_a_name_that_is_no_text_is_put_in(site: PlayVariables) -> None:
    """A fact that a user calls `ansible_facts` by -e is any value."""
    site.manager._extra_vars = {"ansible_facts": "mine"}

    answers: list[Any] = [site.ask(site.task("first"))["ansible_facts"] for _ in range(2)]

    assert answers == ["mine"] * 2
