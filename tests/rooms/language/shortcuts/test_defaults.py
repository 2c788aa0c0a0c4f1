"""ansible-core's table of settings and its compiled defaults are kept as they are."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.config import manager
from ansible.config.manager import ConfigManager

from herder.kept_file import KeptFile
from herder.language.shortcuts.defaults import keep_defaults, open_kept


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[KeptFile]:
    """Give a file that ansible-core keeps its defaults in, for one test."""
    before = manager.yaml_load, manager.NativeEnvironment
    kept = open_kept(tmp_path)
    keep_defaults(kept)
    yield kept
    manager.yaml_load, manager.NativeEnvironment = before


def _settings() -> dict[str, Any]:
    """Give ansible-core's settings, each with its value and where that comes from."""
    config = ConfigManager()
    variables: dict[str, Any] = {}
    for name in config.get_configuration_definitions():
        variables[name] = config.get_config_value(name, variables=variables)
    # a new directory each time
    del variables["DEFAULT_LOCAL_TMP"]
    definitions = config.get_configuration_definitions()
    return {name: (definitions[name], value) for name, value in variables.items()}


def test_settings_are_the_same_before_and_after_they_are_kept(kept: KeptFile) -> None:
    """What ansible-core does with its table must not get into what is kept of it."""
    first = _settings()
    kept.save()

    second = _settings()

    assert len(first) > 100
    assert repr(second) == repr(first)
    assert len(kept.section("tables")) == 1
    assert len(kept.section("templates")) > 10


def test_another_table_is_read_anew(kept: KeptFile) -> None:
    """An upgrade brings other settings."""
    assert manager.yaml_load(io.BytesIO(b"a: {default: 1}")) == {"a": {"default": 1}}
    assert manager.yaml_load(io.BytesIO(b"a: {default: 2}")) == {"a": {"default": 2}}


def test_a_kept_template_gives_what_its_variables_say(kept: KeptFile) -> None:
    """The code of a template is kept, not what it gave."""
    config = ConfigManager()
    for _ in range(2):
        for home in ("/one", "/two"):
            text = config.template_default("{{ HOME ~ '/x' }}", {"HOME": home})
            assert text == f"{home}/x"
    assert config.template_default("{{ [1, 2] }}", {}) == [1, 2]
