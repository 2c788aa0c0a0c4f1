"""A play as ansible-core loads it, without a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.playbook import Playbook
from ansible.vars.manager import VariableManager


def load_play(playbook: Path) -> Any:
    """Give the first play of a playbook that has no hosts; assumes that plugins are loaded."""
    loader = DataLoader()
    loader.set_basedir(str(playbook.parent))
    inventory = InventoryManager(loader=loader, sources=[])
    variables = VariableManager(loader=loader, inventory=inventory)
    return Playbook.load(str(playbook), variables, loader).get_plays()[0]
