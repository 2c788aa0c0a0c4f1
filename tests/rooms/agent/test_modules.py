"""agent/modules.py: real modules of ansible-core, run as AnsiballZ would run them."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

from herder.model.ports import Completed
from tests.support.bundles import bundle_of, call_of, core_bundle, with_content, with_file
from tests.support.pythons import THIS, target_pythons
from tests.support.sessions import home_at, open_session

NEWEST = list(target_pythons().values())[-1:] or [THIS]


def result_of(completed: Completed) -> Any:
    """Give the JSON a module printed."""
    assert completed.status in (0, 1), completed.stderr.decode()
    return json.loads(completed.stdout)


async def test_module_of_ansible_core_runs_on_every_python(python: str, tmp_path: Path) -> None:
    """The agent runs from Python 3.8 on; ansible-core's modules may ask for a later one."""
    path = tmp_path / "made"

    async with open_session(python) as session:
        call = call_of(core_bundle("file"), path=str(path), state="directory", mode="0700")
        first = result_of(await session.run_module(call))
        if "Ansible requires Python" in first.get("msg", ""):
            pytest.skip(first["msg"])
        second = result_of(await session.run_module(call))

    assert (first["changed"], second["changed"]) == (True, False)
    assert path.is_dir()


async def test_basic_that_refuses_the_python_does_not_end_the_agent(tmp_path: Path) -> None:
    """ansible-core's basic.py prints a failed result and exits while it is imported."""
    refusal = b"import sys\nprint('{\"failed\": true}')\nsys.exit(1)\n"
    bundle = with_file(core_bundle("ping"), "ansible/module_utils/basic.py", refusal)

    async with open_session(NEWEST[0]) as session:
        refused = await session.run_module(call_of(bundle))
        fine = await session.run_module(call_of(core_bundle("ping")))

    assert refused == Completed(1, b'{"failed": true}\n', b"")
    assert result_of(fine)["ping"] == "pong"


async def test_resource_of_a_bundle_is_read_on_every_python(python: str, tmp_path: Path) -> None:
    """ansible-core 2.21 embeds files that are no modules (EmbedManager)."""
    bundle = bundle_of(
        "from importlib import resources\n"
        "import pkgutil, sys\n"
        "from ansible.module_utils.basic import AnsibleModule\n"
        "import ansible.module_utils\n"
        "with resources.path('ansible.module_utils', 'herder.txt') as path:\n"
        "    print(path.read_text())\n"
        "print(pkgutil.get_data('ansible.module_utils', 'herder.txt').decode())\n"
        "sys.exit(0)\n",
        name="reading",
        folder=tmp_path,
    )
    # without the file that may refuse this Python
    bundle = with_file(bundle, "ansible/module_utils/basic.py", b"AnsibleModule = None\n")
    bundle = with_file(bundle, "ansible/module_utils/herder.txt", b"words")

    async with open_session(python) as session:
        completed = await session.run_module(call_of(bundle))
        version = session.facts.python_version
    if version < (3, 9) and b"_datatag/__init__.py" in completed.stderr:
        pytest.skip("this ansible-core does not run on that Python")

    assert (completed.stdout, completed.status) == (b"words\nwords\n", 0), completed.stderr


async def test_warm_and_cold_agent_give_the_same_result(tmp_path: Path) -> None:
    """Caching bytecode must never change what a module does."""
    results = []
    with home_at(tmp_path):
        for _ in range(2):
            async with open_session(NEWEST[0]) as session:
                call = call_of(core_bundle("stat"), path="/etc/passwd")
                results.append(result_of(await session.run_module(call)))

    assert results[0] == results[1]
    assert list((tmp_path / ".cache" / "herder").glob("part-*"))


async def test_module_that_prints_and_raises_is_reported_as_by_ansible(tmp_path: Path) -> None:
    """The error summary is made by ansible-core's own loader in the child."""
    bundle = bundle_of(
        "from ansible.module_utils.basic import AnsibleModule\n"
        "print('noise')\n"
        "raise ValueError('on purpose')\n",
        name="raising",
        folder=tmp_path,
    )

    async with open_session(NEWEST[0]) as session:
        completed = await session.run_module(call_of(bundle))

    assert completed.status == 1
    assert completed.stdout.startswith(b"noise\n")
    assert b"on purpose" in completed.stdout


async def test_module_sees_its_environment_argv_and_globals(tmp_path: Path) -> None:
    """What AnsiballZ gives a module it must find here too."""
    bundle = bundle_of(
        "import json, os, sys\n"
        "from ansible.module_utils.basic import AnsibleModule\n"
        "main = sys.modules['__main__']\n"
        "print(json.dumps(dict(word=os.environ['WORD'], name=__name__,\n"
        "    fqn=main._module_fqn, stdin=sys.stdin.read(), group=os.getpgrp() == os.getpid(),\n"
        "    source=__loader__.get_source(main._module_fqn)[:11], cwd='' in sys.path)))\n"
        "sys.exit(0)\n",
        name="looking",
        folder=tmp_path,
    )

    async with open_session(NEWEST[0]) as session:
        call = replace(call_of(bundle), environment={"WORD": "wörd"})
        seen = result_of(await session.run_module(call))

    assert seen == {
        "word": "wörd",
        "name": "__main__",
        "fqn": bundle.fqn,
        "stdin": "",
        "group": True,
        "source": "import json",
        "cwd": False,
    }


async def test_environment_counts_as_for_a_python_that_starts_with_it(tmp_path: Path) -> None:
    """Python reads them once, when it starts; the agent started without them."""
    (tmp_path / "herder_test_word.py").write_text("WORD = 'found'")
    bundle = bundle_of(
        "import json, tempfile, time\n"
        "from ansible.module_utils.basic import AnsibleModule\n"
        "import herder_test_word\n"
        "print(json.dumps([herder_test_word.WORD, time.tzname[0], tempfile.gettempdir()]))\n"
        "raise SystemExit\n",
        name="starting",
        folder=tmp_path,
    )
    environment = {"PYTHONPATH": str(tmp_path), "TZ": "ABC+3", "TMPDIR": str(tmp_path)}

    async with open_session(NEWEST[0]) as session:
        await session.run_module(call_of(core_bundle("ping")))
        seen = result_of(
            await session.run_module(replace(call_of(bundle), environment=environment))
        )

    assert seen == ["found", "ABC", str(tmp_path)]


def fresh_python_says(source: str, environment: dict[str, str]) -> bytes:
    """Give what a Python prints that starts with this environment."""
    words = [NEWEST[0], "-c", source]
    return subprocess.run(words, env={**os.environ, **environment}, stdout=PIPE, check=True).stdout


@pytest.mark.parametrize("environment", [{}, {"LC_ALL": "C"}, {"LC_ALL": "C.UTF-8"}])
async def test_locale_of_a_task_is_that_of_a_python_that_starts_with_it(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    """It is set only where it is another than the agent's."""
    asking = "import locale; print(locale.setlocale(locale.LC_CTYPE))\n"
    source = f"from ansible.module_utils.basic import AnsibleModule\n{asking}raise SystemExit\n"
    bundle = bundle_of(source, name="speaking", folder=tmp_path)

    async with open_session(NEWEST[0]) as session:
        said = await session.run_module(replace(call_of(bundle), environment=environment))

    assert said.stdout == fresh_python_says(asking, environment)


async def test_atexit_and_threads_of_a_module_come_to_their_end(tmp_path: Path) -> None:
    """AnsibleModule removes its temporary directory by atexit; a forked child must do it too."""
    bundle = bundle_of(
        "import atexit, threading, time\n"
        "from ansible.module_utils.basic import AnsibleModule\n"
        "atexit.register(lambda: print('end'))\n"
        "threading.Thread(target=lambda: (time.sleep(0.2), print('thread'))).start()\n"
        "raise SystemExit(3)\n",
        name="ending",
        folder=tmp_path,
    )

    async with open_session(NEWEST[0]) as session:
        completed = await session.run_module(call_of(bundle))

    assert completed == Completed(3, b"thread\nend\n", b"")


async def test_two_bundles_with_other_content_at_one_path_do_not_mix(tmp_path: Path) -> None:
    """Two collections versions, or a user's module_utils, may differ for the same name."""
    source = (
        "from ansible.module_utils.basic import AnsibleModule\nprint('one')\nraise SystemExit\n"
    )
    one = bundle_of(source, name="same", folder=tmp_path)
    two = with_content(one, "one", "two")

    async with open_session(NEWEST[0]) as session:
        said = [(await session.run_module(call_of(each))).stdout for each in (one, two, one)]

    assert said == [b"one\n", b"two\n", b"one\n"]


async def test_module_that_respawns_finds_its_payload(tmp_path: Path) -> None:
    """apt and dnf start themselves anew under the system's Python with AnsiballZ's zip."""
    bundle = bundle_of(
        "import sys\n"
        "from ansible.module_utils.basic import AnsibleModule\n"
        "from ansible.module_utils.common import respawn\n"
        "module = AnsibleModule(argument_spec=dict(word=dict(type='str')))\n"
        "if not respawn.has_respawned():\n"
        "    found = respawn.probe_interpreters_for_module([sys.executable], 'json')\n"
        "    respawn.respawn_module(found)\n"
        "module.exit_json(word=module.params['word'], respawned=True)\n",
        name="again",
        folder=tmp_path,
    )
    payloads = "ansible_again_payload_*"
    before = set(Path(tempfile.gettempdir()).glob(payloads))

    async with open_session(NEWEST[0]) as session:
        result = result_of(await session.run_module(call_of(bundle, word="yes")))

    assert (result["word"], result["respawned"]) == ("yes", True)
    assert set(Path(tempfile.gettempdir()).glob(payloads)) == before


async def test_package_installed_during_the_run_is_seen_by_the_next_module(tmp_path: Path) -> None:
    """A failed import must not be remembered: tasks install python3-apt and the like."""
    bundle = bundle_of(
        "from ansible.module_utils.basic import AnsibleModule\n"
        "try:\n"
        "    import herder_test_package\n"
        "    print('there')\n"
        "except ImportError:\n"
        "    print('missing')\n"
        "raise SystemExit\n",
        name="importing",
        folder=tmp_path,
    )
    packages = tmp_path / "packages"
    packages.mkdir()

    async with open_session(f"/usr/bin/env PYTHONPATH={packages} {NEWEST[0]}") as session:
        before = await session.run_module(call_of(bundle))
        (packages / "herder_test_package.py").write_text("")
        after = await session.run_module(call_of(bundle))

    assert (before.stdout, after.stdout) == (b"missing\n", b"there\n")
