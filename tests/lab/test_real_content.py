"""Modules, plugins and roles of collections on both engines, each on a machine of its own, twice.

Needs the collections of the package `ansible`; the playbooks are ours, what they use is not.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.engine_pair import Engine, engine_pair, play_both
from tests.support.two_engines import run_both

pytestmark = [
    pytest.mark.lab,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        importlib.util.find_spec("ansible_collections") is None,
        reason="needs the collections of the package ansible",
    ),
]

FOLDER = Path(__file__).parents[1] / "data" / "real_content"
PLAYBOOKS = ("crypto", "database", "files", "plugins", "roles", "system")
CALLBACKS = (
    "ansible.posix.debug",
    "ansible.posix.json",
    "ansible.posix.jsonl",
    "community.general.counter_enabled",
    "community.general.default_without_diff",
    "community.general.dense",
    "community.general.null",
    "community.general.selective",
    "community.general.tasks_only",
    "community.general.unixy",
)
# What holds a key, a moment or the machine's own address: it is there, and no two are alike.
NEVER_ALIKE = (
    "etc/apt/apt.conf.d/95herder-lab",
    "etc/hosts",
    "etc/postgresql/",
    "etc/resolv.conf",
    "etc/shadow",
    "etc/xdg/pip/pip.conf",
    "srv/content/out/",
    "srv/keys/",
    "srv/pam.d/su",
    "var/lib/",
)


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, Engine]]:
    """Give ansible-playbook and Herder, each with one machine."""
    with engine_pair(("server",), tmp_path_factory.mktemp("content")) as pair:
        yield pair


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_both_engines_do_the_same(engines: tuple[Engine, Engine], name: str) -> None:
    """Recap, each task's outcome and the files: on a new machine, and once more."""
    for run in ("first", "second"):
        stock, herder = play_both(engines, FOLDER, f"{name}.yml")

        texts = f"{run} run\nansible-playbook:\n{stock.text}\nherder:\n{herder.text}"
        assert stock.recap, texts
        assert herder.exit_code == stock.exit_code, texts
        assert herder.recap == stock.recap, texts
        assert herder.statuses == stock.statuses, texts

    stock_files, herder_files = (engine.changed_files("server") for engine in engines)
    assert set(herder_files) == set(stock_files)
    for path, file in herder_files.items():
        if not path.startswith(NEVER_ALIKE):
            assert _look_of(file) == _look_of(stock_files[path]), path


def _look_of(file: Path) -> tuple[int, int, int, bytes | str]:
    """Give mode, owners, and content or the place a link leads to."""
    status = file.lstat()
    if file.is_symlink():
        return status.st_mode, 0, 0, str(file.readlink())
    content = file.read_bytes() if file.is_file() else b""
    return status.st_mode, status.st_uid, status.st_gid, content


@pytest.mark.parametrize("name", CALLBACKS)
def test_callbacks_of_collections_show_the_same(name: str, tmp_path: Path) -> None:
    """What reads their output goes on working."""
    settings = {"ANSIBLE_STDOUT_CALLBACK": name}

    stock, herder = run_both(FOLDER, ["callbacks.yml"], tmp_path, settings)

    texts = f"ansible-playbook:\n{stock.text}\nherder:\n{herder.text}"
    assert herder.exit_code == stock.exit_code == 0, texts
    assert herder.said == stock.said, texts
