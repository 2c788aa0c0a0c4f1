"""agent/quick_facts.py: the same facts, without a program or a wait that adds nothing to them."""

from __future__ import annotations

import json
import platform
import stat
import threading
import time
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from herder.agent.quick_facts import WakefulTime, architecture
from tests.support.bundles import bundle_of, call_of, core_bundle
from tests.support.pythons import THIS, target_pythons
from tests.support.sessions import open_session

NEWEST = list(target_pythons().values())[-1:] or [THIS]
_ASKING = """
import json, os, sys
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.facts.system.lsb import LSBFactCollector
from ansible.module_utils import distro

os.environ.pop("PYTHONPATH", None)
module = AnsibleModule(argument_spec=dict(first={}, change=dict(type="bool")))
asks = dict(
    lsb=lambda: LSBFactCollector().collect(module=module)["lsb"],
    distro=lambda: distro.LinuxDistribution().lsb_release_info(),
)
found = {}
for name in sorted(asks, key=lambda name: name != module.params["first"]):
    found[name] = asks[name]()
    if module.params["change"]:
        os.environ["ANOTHER"] = "world"
print(json.dumps(found))
sys.exit(0)
"""
_LSB_RELEASE = """#!/bin/sh
echo asked >>"$(dirname "$0")/asked"
echo "No LSB modules are available." >&2
printf '%%s:\\t%%b\\n' Description 'Herd \\0303\\0251' Release 7.1 Codename ewe
exit %d
"""


async def _asked(tmp_path: Path, *, status: int = 0, **arguments: Any) -> tuple[Any, int]:
    """Give what both have heard, and how often the program was started."""
    programs = tmp_path / "programs"
    programs.mkdir()
    program = programs / "lsb_release"
    program.write_text(_LSB_RELEASE % status)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    bundle = bundle_of(_ASKING, name="asking", folder=tmp_path)
    call = replace(
        call_of(bundle, **arguments),
        environment={"PATH": f"{programs}:/usr/sbin:/usr/bin:/sbin:/bin"},
    )
    async with open_session(NEWEST[0]) as session:
        completed = await session.run_module(call)
    assert completed.status == 0, completed.stderr + completed.stdout
    return json.loads(completed.stdout), len((programs / "asked").read_text().splitlines())


@pytest.mark.parametrize("first", ["lsb", "distro"])
async def test_lsb_release_is_asked_once_whoever_comes_first(first: str, tmp_path: Path) -> None:
    """Collectors are in an order of chance; what each hears must not depend on it."""
    found, times = await _asked(tmp_path, first=first)

    assert times == 1
    assert found["lsb"]["codename"] == found["distro"]["codename"] == "ewe"
    assert found["lsb"] | {"release": "7.1", "major_release": "7"} == found["lsb"]


async def test_lsb_release_is_asked_again_in_another_environment(tmp_path: Path) -> None:
    """A program may say something else there."""
    found, times = await _asked(tmp_path, first="lsb", change=True)

    assert times == 2
    assert found["distro"]["release"] == "7.1"


async def test_lsb_release_that_fails_is_asked_by_each(tmp_path: Path) -> None:
    """One takes what was said before the failure for nothing, and looks in a file instead."""
    found, times = await _asked(tmp_path, status=3, first="lsb")

    assert times == 2
    assert found["distro"] == {}


def test_architecture_is_what_python_finds_out_with_a_program() -> None:
    """The fact `userspace_bits` and all that follow from it come from there."""
    asked: list[tuple[Any, ...]] = []

    def original(*args: Any, **words: Any) -> Any:
        asked.append(args)
        return platform.architecture(*args, **words)

    assert architecture(original) == platform.architecture()
    assert architecture(original, "/bin/sh") == platform.architecture("/bin/sh")
    assert ("/bin/sh",) in asked


def looks_again(results: dict[str, Any], seconds: float = 0.05) -> float:
    """Sleep as `get_mount_facts` does between two looks; give the time and how many results."""
    clock = WakefulTime()
    begun = clock.monotonic()
    clock.sleep(seconds)
    return float(clock.monotonic() - begun) + len(results)


def test_nobody_sleeps_who_has_all_results() -> None:
    """`get_mount_facts` sleeps a tenth of a second after the last of its results has come."""

    def sleeps() -> float:
        begun = time.monotonic()
        WakefulTime().sleep(0.05)
        return time.monotonic() - begun

    assert looks_again({}) < 0.04
    assert looks_again({"/": 1}) >= 1.05
    assert sleeps() >= 0.05


def test_who_waits_for_results_wakes_when_the_last_has_come() -> None:
    """And not before, nor later than he wanted."""
    first, last = Future[None](), Future[None]()
    first.set_result(None)
    results = {"/": {"extra": first}, "/srv": {"extra": last}}
    assert looks_again(results) >= 2.05
    teller = threading.Timer(0.2, last.set_result, [None])
    teller.start()
    assert 2.15 < looks_again(results, 10) < 7
    teller.join()


async def test_setup_gives_facts_of_each_kind_that_was_seen_to() -> None:
    """An ansible-core in which the names are others must not lose its facts."""
    call = call_of(core_bundle("setup"), gather_subset=["!min", "platform", "lsb", "mounts"])

    async with open_session(NEWEST[0]) as session:
        completed = await session.run_module(call)

    facts = json.loads(completed.stdout)["ansible_facts"]
    assert facts["ansible_userspace_bits"] == platform.architecture()[0].removesuffix("bit")
    assert isinstance(facts["ansible_mounts"], list)
    assert isinstance(facts["ansible_lsb"], dict)
