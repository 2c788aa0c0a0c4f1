"""language/waves.py: a site is not restarted everywhere at the same moment."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from herder.language.waves import takes_host_out
from tests.rooms.language.conftest import Play

HOSTS = ",".join(f"web{number}" for number in range(12))
# Stands in for the init system: says how many hosts are being restarted meanwhile.
RESTART = """\
import os, time
from ansible.module_utils.basic import AnsibleModule
module = AnsibleModule({"state": {}, "here": {}})
own = os.path.join(module.params["here"], str(os.getpid()))
os.mkdir(own)
time.sleep(0.3)
seen = len(os.listdir(module.params["here"]))
os.rmdir(own)
module.exit_json(seen=seen)
"""


@pytest.mark.parametrize(
    ("module", "state", "expected"),
    [
        ("ansible.builtin.systemd_service", "restarted", True),
        ("service", "stopped", True),
        ("service", "{{ wanted }}", True),
        ("ansible.builtin.reboot", "", True),
        ("service", "reloaded", False),
        ("ansible.builtin.service", "started", False),
        ("ansible.builtin.copy", "restarted", False),
    ],
)
def test_what_takes_a_host_out_is_told_by_module_and_state(
    module: str, state: str, *, expected: bool
) -> None:
    """A reload loses no visitor."""
    assert takes_host_out(SimpleNamespace(action=module, args={"state": state})) is expected


@pytest.mark.parametrize(
    ("keywords", "words", "most"),
    [({}, (), 5), ({"serial": 12}, (), 12), ({}, ("--forks=9",), 9)],
    ids=["by itself", "serial", "forks"],
)
def test_servers_are_restarted_in_waves_unless_somebody_says_how(
    play: Play, tmp_path: Path, keywords: dict[str, object], words: tuple[str, ...], most: int
) -> None:
    """Five at a time are what playbooks were written with."""
    here = tmp_path / "here"
    here.mkdir()
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "supervisorctl.py").write_text(RESTART)
    order = {"state": "restarted", "here": str(here)}
    tasks = [
        {"supervisorctl": order, "register": "done"},
        {"assert": {"that": "hostvars.values() | map(attribute='done.seen') | max == most | int"}},
    ]
    variables = {"ansible_python_interpreter": "{{ ansible_playbook_python }}", "most": most}

    keywords = {"hosts": "all", "connection": "local", "vars": variables, **keywords}
    enough = {"HERDER_PROGRAMS_AT_ONCE": "20"}
    done = play(tasks, "-i", HOSTS, *words, environment=enough, **keywords)

    assert done.returncode == 0, done.stdout
