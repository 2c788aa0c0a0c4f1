"""Bundles kept from run to run, against what ansible-core builds."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import module_loader, module_utils_loader
from ansible.template import Templar

from herder.language.module_cache import ModuleCache
from herder.language.modules import ModuleBuilder, PreparedModule
from herder.model.ports import ModuleBundle
from tests.support.plugins import load_plugins

OWN = """\
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.OWN_WORDS import WORD
AnsibleModule({}).exit_json(word=WORD)
"""
VARIABLES = {"ansible_python_interpreter": "/usr/bin/python3"}


@pytest.fixture(scope="module", autouse=True)
def loaded() -> None:
    """ansible-core finds its plugins only after this."""
    load_plugins()


@pytest.fixture
def utilities(tmp_path: Path) -> Path:
    """Give a directory that ansible-core looks for module_utils in."""
    folder = tmp_path / "module_utils"
    folder.mkdir()
    # ansible-core forgets nothing in a process, so each test has names of its own
    (folder / f"{tmp_path.name}.py").write_text("WORD = 'first'\n")
    module_utils_loader.add_directory(str(folder))
    return folder


@pytest.fixture
def module(tmp_path: Path, utilities: Path) -> Path:
    """Give a module that uses one of its own."""
    path = tmp_path / f"{tmp_path.name}_module.py"
    path.write_text(OWN.replace("OWN_WORDS", tmp_path.name))
    return path


def built(cache: ModuleCache, name: str, path: str, **arguments: Any) -> PreparedModule:
    """Build as an action plugin asks for it."""
    answer = ModuleBuilder(cache).build(
        module_name=name,
        module_path=path,
        module_args=arguments,
        templar=Templar(loader=DataLoader(), variables=VARIABLES),
        task_vars=VARIABLES,
    )
    prepared = answer.b_module_data
    assert isinstance(prepared, PreparedModule)
    return prepared


def contents(bundle: ModuleBundle) -> dict[str, bytes]:
    return {file.path: file.content for file in bundle.files}


@pytest.mark.parametrize("name", ["ping", "copy", "setup", "command"])
def test_a_kept_bundle_is_the_built_one(tmp_path: Path, name: str) -> None:
    """A host must not be able to tell whether its module came from the cache."""
    cache = ModuleCache(tmp_path / "kept")
    path = module_loader.find_plugin(name)

    first = built(cache, f"ansible.legacy.{name}", path)
    kept = cache.load(f"ansible.legacy.{name}", path)
    second = built(cache, f"ansible.legacy.{name}", path)

    assert kept is not None
    of_the_call = {name: getattr(first.bundle, name) for name in ("rlimit_nofile", "is_core")}
    assert replace(kept, **of_the_call) == first.bundle
    assert contents(kept) == contents(first.bundle) == contents(second.bundle)


def test_a_changed_module_is_not_taken_from_the_cache(tmp_path: Path, module: Path) -> None:
    """People edit a module and run it again."""
    cache = ModuleCache(tmp_path / "kept")
    built(cache, module.stem, str(module))
    assert cache.load(module.stem, str(module)) is not None

    module.write_text(module.read_text() + "# changed\n")

    assert cache.load(module.stem, str(module)) is None


def test_a_changed_import_makes_the_entry_stale(
    tmp_path: Path, module: Path, utilities: Path
) -> None:
    """The module itself is as it was."""
    cache = ModuleCache(tmp_path / "kept")
    built(cache, module.stem, str(module))
    (utilities / f"{tmp_path.name}.py").write_text("WORD = 'a second one'\n")

    assert cache.load(module.stem, str(module)) is None


def test_an_import_that_another_file_hides_makes_the_entry_stale(
    tmp_path: Path, module: Path, utilities: Path
) -> None:
    """A file of that name in a folder that is looked at first takes its place."""
    cache = ModuleCache(tmp_path / "kept")
    built(cache, module.stem, str(module))
    nearer = tmp_path / "nearer"
    nearer.mkdir()
    (nearer / f"{tmp_path.name}.py").write_text("WORD = 'nearer'\n")
    module_utils_loader.add_directory(str(nearer))

    kept = cache.load(module.stem, str(module))

    found = module_utils_loader.find_plugin(tmp_path.name)
    assert kept is None or found == str(utilities / f"{tmp_path.name}.py")


@pytest.mark.parametrize("damage", [b"", b"{}", b"[1]", b"\xff\xfe", b'{"files": [{}]}'])
def test_a_broken_entry_is_no_entry(tmp_path: Path, module: Path, damage: bytes) -> None:
    """A full disk leaves half files behind."""
    cache = ModuleCache(tmp_path / "kept")
    first = built(cache, module.stem, str(module))
    for entry in (tmp_path / "kept").iterdir():
        entry.write_bytes(damage)

    assert cache.load(module.stem, str(module)) is None
    assert built(cache, module.stem, str(module)).bundle == first.bundle


def test_an_entry_that_others_could_have_written_is_no_entry(tmp_path: Path, module: Path) -> None:
    """It is code, and is run on all hosts."""
    cache = ModuleCache(tmp_path / "kept")
    before = os.umask(0)
    try:
        built(cache, module.stem, str(module))
    finally:
        os.umask(before)
    (entry,) = (tmp_path / "kept").iterdir()
    assert entry.stat().st_mode & 0o777 == 0o600
    assert cache.load(module.stem, str(module)) is not None

    entry.chmod(0o666)

    assert cache.load(module.stem, str(module)) is None


def test_the_oldest_entries_of_very_many_go(tmp_path: Path, module: Path) -> None:
    """Each ansible-core, environment and place of collections has its own, for years."""
    kept = tmp_path / "kept"
    kept.mkdir()
    for number in range(5):
        (kept / f"old{number}").write_text("{}")
        os.utime(kept / f"old{number}", (number, number))
    cache = ModuleCache(kept, entries_limit=3)

    built(cache, module.stem, str(module))

    assert cache.load(module.stem, str(module)) is not None
    assert sorted(path.name for path in kept.glob("old*")) == ["old3", "old4"]


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path, module: Path) -> None:
    """The home may be read-only."""
    (tmp_path / "file").write_text("")

    prepared = built(ModuleCache(tmp_path / "file" / "kept"), module.stem, str(module))

    assert prepared.bundle.name == module.stem


def test_nothing_of_a_task_is_kept(tmp_path: Path, module: Path) -> None:
    """Arguments may be secrets."""
    prepared = built(ModuleCache(tmp_path / "kept"), module.stem, str(module), word="hush-hush")

    kept = b"".join(entry.read_bytes() for entry in (tmp_path / "kept").iterdir())
    assert b"hush-hush" in prepared.params
    assert b"hush-hush" not in kept
    assert (tmp_path / "kept").stat().st_mode & 0o077 == 0


def test_a_module_in_another_language_keeps_ansibles_own_way(tmp_path: Path) -> None:
    """Its program text goes to the host as a file."""
    script = tmp_path / "in_shell"
    script.write_text("#!/bin/sh\n# WANT_JSON\necho '{}'\n")

    answer = ModuleBuilder(ModuleCache(tmp_path / "kept")).build(
        module_name="in_shell",
        module_path=str(script),
        module_args={},
        templar=Templar(loader=DataLoader(), variables=VARIABLES),
        task_vars=VARIABLES,
    )

    assert answer.b_module_data == script.read_bytes()
    assert answer.module_style == "non_native_want_json"
