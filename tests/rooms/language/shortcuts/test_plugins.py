"""shortcuts/plugins.py: a plugin's options follow from what they are read from, and its type."""

from __future__ import annotations

from typing import Any

import pytest
from ansible import constants
from ansible.plugins.loader import callback_loader, connection_loader

from herder.language.shortcuts.install import install_shortcuts
from tests.support.plugins import load_plugins


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    """Once in a process, as in a run."""
    load_plugins()
    install_shortcuts()
    connection_loader.get("ssh", class_only=True)
    callback_loader.get("default", class_only=True)


def host_of(**variables: Any) -> Any:
    """Give ssh's option `host` as these variables have it."""
    found, _origins = constants.config.get_plugin_options_and_origins(
        "connection", "ssh", variables=variables
    )
    return found["host"]


def test_options_of_equal_values_of_other_types_are_their_own() -> None:
    """True and 1 are the same key of a dict, and not the same host."""
    assert [host_of(ansible_host=value) for value in (1, True, "1", 1.0)] == [
        "1",
        "True",
        "1",
        "1.0",
    ]


def test_options_that_a_plugin_changes_are_not_the_next_ones() -> None:
    """A plugin may write into the lists that it gets."""
    config = constants.config
    first, _ = config.get_plugin_options_and_origins("callback", "default", variables={})
    kept = dict(first)
    first.clear()

    assert config.get_plugin_options_and_origins("callback", "default", variables={})[0] == kept


def test_options_follow_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A task of its own may set it; nobody tells the configuration."""
    asked = ("connection", "ssh")
    before, _ = constants.config.get_plugin_options_and_origins(*asked, variables={})
    monkeypatch.setenv("ANSIBLE_SSH_EXECUTABLE", "/opt/ssh")

    after, _ = constants.config.get_plugin_options_and_origins(*asked, variables={})

    assert (before["ssh_executable"], after["ssh_executable"]) == ("ssh", "/opt/ssh")
