"""A play with its inventory and variable manager, to ask for variables as a run does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.playbook import Playbook
from ansible.playbook.block import Block
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager

from tests.support.shadows import difference, in_order_of_names


@dataclass
class PlayVariables:
    """One play of a playbook in a folder that also has the inventory `hosts`."""

    play: Any
    manager: Any
    inventory: Any
    # names that are weaker and stronger than what is registered may lie elsewhere
    is_in_order: bool = True

    @classmethod
    def of(cls, folder: Path, playbook: str, hosts: str = "web1\nweb2\n") -> PlayVariables:
        """Write the playbook and the inventory, and load both."""
        (folder / "site.yml").write_text(playbook)
        (folder / "hosts").write_text(hosts)
        loader = DataLoader()
        loader.set_basedir(str(folder))
        inventory = InventoryManager(loader=loader, sources=[str(folder / "hosts")])
        manager = VariableManager(loader=loader, inventory=inventory, version_info={})
        plays = Playbook.load(str(folder / "site.yml"), variable_manager=manager, loader=loader)
        play = plays.get_plays()[0]
        HostVars(inventory, manager, loader)
        return cls(play, manager, inventory)

    def task(self, name: str) -> Any:
        """Give the task of this name."""
        return next(each for each in self.tasks() if each.get_name() == name)

    def tasks(self) -> list[Any]:
        """Give all tasks, those in blocks too, always the same objects."""
        if "blocks" not in self.__dict__:
            self.__dict__["blocks"] = self.play.compile()
        return [task for block in self.__dict__["blocks"] for task in _tasks(block)]

    def ask(self, task: Any = None, host: str = "web1", **words: Any) -> dict[str, Any]:
        """Give a host's variables; they must be those of ansible-core's long way."""
        words = {"play": self.play, "host": self.inventory.get_host(host), "task": task} | words
        found: dict[str, Any] = self.manager.get_vars(**words)
        expected = VariableManager.get_vars.herder_original(self.manager, **words)
        if not self.is_in_order:
            for each in (found, expected):
                each.get("vars", {}).pop("vars", None)
            wrong = difference(in_order_of_names(found), in_order_of_names(expected))
        else:
            wrong = difference(found, expected)
        if wrong is not None:
            raise AssertionError(wrong)
        return found

    @property
    def merges(self) -> int:
        """Give how many merges are kept."""
        return sum(map(len, self.manager.herder_kept._merges.values()))


def _tasks(block: Block) -> list[Any]:
    found: list[Any] = []
    for part in (*block.block, *block.rescue, *block.always):
        found += _tasks(part) if isinstance(part, Block) else [part]
    return found
