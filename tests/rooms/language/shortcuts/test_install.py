"""Shortcuts, against the long way of ansible-core that each stands for."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible._internal._datatag._tags import Origin
from ansible._internal._templating._engine import TemplateEngine
from ansible.executor import task_result
from ansible.inventory.host import Host
from ansible.module_utils._internal import _traceback
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import EncryptedString
from ansible.playbook import Playbook
from ansible.playbook.base import FieldAttributeBase
from ansible.playbook.play import Play
from ansible.playbook.task import Task
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import action_loader, vars_loader
from ansible.utils import vars as core_vars
from ansible.vars import plugins as vars_plugins
from ansible.vars.manager import VariableManager

from herder.language.shortcuts import results
from herder.language.shortcuts.install import install_shortcuts
from tests.support.plugins import load_plugins

PLAY = """\
- hosts: all
  tags: [outer]
  vars: {color: red}
  tasks:
    - name: waits
      command: "sleep {{ seconds }}"
      async: 30
      poll: 2
      loop: [1, 2]
      when: [color == 'red', true]
      environment: {LANG: C}
      register: answer
    - name: "greets {{ who }}"
      ping: {data: "{{ who }}"}
      become: "{{ 'yes' }}"
      become_user: "{{ who }}"
      retries: "{{ wait }}"
      throttle: "2"
      changed_when: []
      no_log: "no"
      timeout: 7
      tags: "a,b"
    - block:
        - debug: {msg: hello}
          retries: 3
      rescue:
        - fail:
"""
OTHER_PLUGIN = """\
from ansible.plugins.vars import BaseVarsPlugin

class VarsModule(BaseVarsPlugin):
    count = 0

    def get_vars(self, loader, path, entities, cache=True):
        VarsModule.count += 1
        return {"asked": VarsModule.count}
"""


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    """Once in a process, as in a run."""
    load_plugins()
    install_shortcuts()


@pytest.fixture
def other_plugin(tmp_path: Path) -> Iterator[None]:
    """Have a vars plugin of somebody else's beside the built-in one."""
    (tmp_path / "other_vars.py").write_text(OTHER_PLUGIN)
    vars_loader.add_directory(str(tmp_path))
    yield
    vars_loader._extra_dirs.remove(str(tmp_path))
    vars_loader._clear_caches()


def _play(folder: Path) -> Play:
    file = folder / "site.yml"
    file.write_text(PLAY)
    loader = DataLoader()
    play: Play = Playbook.load(
        str(file), variable_manager=VariableManager(loader=loader), loader=loader
    ).get_plays()[0]
    return play


def _parts(play: Play) -> list[Any]:
    blocks = play.compile()
    tasks = [task for block in blocks for task in block.block if isinstance(task, Task)]
    return [play, *blocks, *tasks]


def test_a_copy_has_every_field_of_the_long_way(tmp_path: Path) -> None:
    """A field that is forgotten would change what a task does on one host."""
    for part in _parts(_play(tmp_path)):
        for kind in (type(part), *type(part).__mro__):
            if "copy" in vars(kind) and hasattr(vars(kind)["copy"], "herder_original"):
                long_way = vars(kind)["copy"].herder_original(part)
                short_way = vars(kind)["copy"](part)
                assert _comparable(short_way) == _comparable(long_way)


def test_fields_are_validated_as_by_the_long_way(tmp_path: Path) -> None:
    """Templates become values, words become lists; what is plain stays as it was written."""
    templar = TemplateEngine(DataLoader(), variables={"who": "me", "wait": "5", "seconds": 1})
    for part in _parts(_play(tmp_path)):
        long_way, short_way = part.copy(), part.copy()
        for each in (long_way, short_way):
            if hasattr(each, "squash"):
                each.squash()
        FieldAttributeBase.post_validate.herder_original(long_way, templar=templar)
        FieldAttributeBase.post_validate(short_way, templar=templar)
        assert _comparable(short_way) == _comparable(long_way)


def test_fields_from_a_worker_are_set_as_by_the_long_way(tmp_path: Path) -> None:
    """Callbacks see the task as its worker had it."""
    task = next(part for part in _parts(_play(tmp_path)) if getattr(part, "name", "") == "waits")
    values = {"name": "done", "async_val": 5, "vars": {"a": 1}, "parent_type": "Block"}
    long_way, short_way = (task.copy(exclude_parent=True) for _ in range(2))
    FieldAttributeBase.from_attrs.herder_original(long_way, values)
    FieldAttributeBase.from_attrs(short_way, values)
    assert _comparable(short_way) == _comparable(long_way)


def test_what_callbacks_see_is_native_and_their_own() -> None:
    """A callback may change its result, and prints or pickles it without ansible-core's types."""
    tagged = Origin(description="a file").tag("tagged")
    value = {
        "text": tagged,
        tagged: [1, 2.5, None, True, ("in", tagged)],
        "secret": EncryptedString(ciphertext="$ANSIBLE_VAULT;1.1;AES256\n00"),
        "deep": {"list": [{"a": tagged}]},
    }
    found = core_vars.transform_to_native_types(value)
    assert found == core_vars.transform_to_native_types.herder_original(value)
    assert {type(name) for name in found} == {type(found["text"])} == {str}
    assert type(found["deep"]["list"][0]["a"]) is str
    assert found["deep"]["list"] is not value["deep"]["list"]
    assert found["secret"] == "<redacted>"


def test_a_copy_does_not_share_what_can_change(tmp_path: Path) -> None:
    """What an action plugin adds to its task's environment stays on its host."""
    task = next(part for part in _parts(_play(tmp_path)) if getattr(part, "name", "") == "waits")
    twin = task.copy()
    assert twin.when == task.when
    twin._when.append("false")
    assert len(task._when) == len(twin._when) - 1


def _comparable(part: Any) -> dict[str, Any]:
    place = re.compile(r"at 0x[0-9a-f]+|id=\d+")
    return {name: place.sub("", repr(value)) for name, value in vars(part).items()}


def test_vars_beside_the_inventory_are_read_once(tmp_path: Path) -> None:
    """The plugin of ansible-core keeps what it read, so a later change is not seen either."""
    (tmp_path / "host_vars").mkdir()
    file = tmp_path / "host_vars" / "web1.yml"
    file.write_text("color: red\n")
    loader, host = DataLoader(), Host("web1")
    first = vars_plugins.get_vars_from_path(loader, str(tmp_path), [host], "task")
    first["color"] = "changed by the caller"
    file.write_text("color: blue\n")
    again = vars_plugins.get_vars_from_path(loader, str(tmp_path), [host], "task")
    long_way = vars_plugins.get_vars_from_path.herder_original
    assert again == long_way(loader, str(tmp_path), [host], "task") == {"color": "red"}


def test_other_hosts_and_groups_have_vars_of_their_own(tmp_path: Path) -> None:
    """Names are part of what an answer is kept for."""
    (tmp_path / "host_vars").mkdir()
    for name in ("web1", "web2"):
        (tmp_path / "host_vars" / f"{name}.yml").write_text(f"me: {name}\n")
    loader = DataLoader()
    found = [
        vars_plugins.get_vars_from_path(loader, str(tmp_path), [Host(name)], "task")
        for name in ("web1", "web2", "web3")
    ]
    assert found == [{"me": "web1"}, {"me": "web2"}, {}]


@pytest.mark.usefixtures("other_plugin")
def test_a_vars_plugin_of_somebody_else_is_asked_each_time(tmp_path: Path) -> None:
    """It may give something else each time."""
    loader, host = DataLoader(), Host("web1")
    asked = [
        vars_plugins.get_vars_from_path(loader, str(tmp_path), [host], "task")["asked"]
        for _ in range(3)
    ]
    assert asked == [1, 2, 3]


def test_an_inventory_file_s_folder_is_where_its_vars_are(tmp_path: Path) -> None:
    """A source may be a file, a folder, a list of hosts or nothing."""
    (tmp_path / "host_vars").mkdir()
    (tmp_path / "host_vars" / "web1.yml").write_text("color: red\n")
    (tmp_path / "hosts.ini").write_text("web1\n")
    loader, host = DataLoader(), Host("web1")
    for sources in ([str(tmp_path / "hosts.ini")], [str(tmp_path)], ["web1,web2,"], [None], []):
        short_way = vars_plugins.get_vars_from_inventory_sources
        expected = short_way.herder_original(loader, sources, [host], "task")
        assert [short_way(loader, sources, [host], "task") for _ in range(2)] == [expected] * 2
        assert expected == ({"color": "red"} if sources and "/" in str(sources[0]) else {})


def test_a_plugin_that_ansible_core_does_not_have_is_looked_for_once() -> None:
    """Nearly every module has no action plugin of its own; the answer is the long way's."""
    for name in ("ansible.builtin.lineinfile", "ansible.builtin.copy"):
        short_way = action_loader.find_plugin_with_context
        found = [short_way(name, collection_list=[]) for _ in range(2)]
        long_way = type(action_loader).find_plugin_with_context.herder_original
        expected = long_way(action_loader, name, collection_list=[])
        assert [vars(each) for each in found] == [vars(expected)] * 2
        assert found[0].load_attempts is not found[1].load_attempts


def test_a_file_is_found_for_each_host_of_a_task_and_anew_when_it_is_gone(tmp_path: Path) -> None:
    """A task sends one file to many hosts; the next task may see another one of that name."""
    (tmp_path / "files").mkdir()
    near, far = tmp_path / "files" / "a.conf", tmp_path / "a.conf"
    near.write_text("near")
    far.write_text("far")

    def found(task: str) -> str:
        step = SimpleNamespace(_uuid=task, get_search_path=lambda: [str(tmp_path)])
        action = SimpleNamespace(_task=step, _loader=DataLoader())
        path: str = ActionBase._find_needle(action, "files", "a.conf")
        return path

    assert [found("one"), found("one")] == [str(near)] * 2
    near.unlink()
    assert [found("one"), found("two")] == [str(far)] * 2
    near.write_text("near again")
    assert found("three") == str(near)


@pytest.mark.skipif(
    not hasattr(task_result, "_RawTaskResult"), reason="later ones read a result when asked"
)
def test_each_callback_has_a_result_of_its_own(tmp_path: Path) -> None:
    """One callback may change what it was given; the next one must not see that."""
    task = next(part for part in _parts(_play(tmp_path)) if getattr(part, "name", "") == "waits")
    data = {"stdout": "said", "_ansible_parsed": True, "list": [1]}
    raw = task_result._RawTaskResult(Host("web1"), task, data, {})
    results.begin_telling()
    first, second = raw.as_callback_task_result(), raw.as_callback_task_result()
    first.result["list"].append("changed")
    assert second.result == {"stdout": "said", "list": [1]}

    data["stdout"] = "said later"
    results.begin_telling()
    assert raw.as_callback_task_result().result["stdout"] == "said later"


def test_argparse_says_what_it_said() -> None:
    """Its words are asked for once each, not once for every connection."""
    assert argparse.ArgumentParser(prog="x").format_help().startswith("usage: x [-h]")


def test_tracebacks_are_asked_for_as_the_setting_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be given in the environment of one run of a process and not of the next."""
    install_shortcuts()
    long_way = _traceback.traceback_for.herder_original

    for wanted in ("never", "error,warning", "always", "never"):
        monkeypatch.setenv("ANSIBLE_DISPLAY_TRACEBACK", wanted)

        assert _traceback.traceback_for() == long_way(), wanted
        _traceback.traceback_for().append("changed by somebody")
