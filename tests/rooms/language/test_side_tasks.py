"""What is done beside a deployment's play, on plays that ansible-core loaded."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.vault import VaultLib, VaultSecret

from herder.language.side_tasks import SideTasks
from herder.language.workers import Worker
from tests.support.play_variables import PlayVariables
from tests.support.plugins import load_plugins

SECRETS = [("default", VaultSecret(b"right"))]


@pytest.fixture
def side_tasks(tmp_path: Path) -> SideTasks:
    """Give those of a play in a folder that has a deploy key, and the same in a vault."""
    load_plugins()
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "plain").write_text("secret\n")
    (tmp_path / "keys" / "vaulted").write_bytes(VaultLib(SECRETS).encrypt("secret\n"))
    site = PlayVariables.of(tmp_path, "- hosts: all\n  tasks: [{ping: }]\n")
    loader = site.manager._loader
    loader.set_vault_secrets(SECRETS)
    return SideTasks(site.play, site.tasks()[0], site.manager, loader, Worker, {})


@pytest.mark.parametrize("name", ["plain", "vaulted"])
def test_file_of_the_controller_is_found_beside_the_playbook_and_decrypted(
    side_tasks: SideTasks, name: str
) -> None:
    """Wherever Herder is started, as for a task of the playbook that copies it."""
    assert side_tasks.file_text(f"keys/{name}") == "secret\n"


def test_file_that_is_nowhere_is_told_as_by_a_task(side_tasks: SideTasks) -> None:
    """With the places where it was looked for."""
    with pytest.raises(AnsibleError, match="Searched in"):
        side_tasks.file_text("keys/none")
