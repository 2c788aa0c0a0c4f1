"""What a target is: one folder of test/integration/targets in ansible-core's source, and its needs.

*Source*: ansible-core 2.19, docs of ansible-test (integration-aliases.html) and
test/lib/ansible_test/_internal/target.py.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

ALWAYS_OR_ONCE = ("setup/always/", "setup/once/")


@dataclass(frozen=True)
class Target:
    """One target; `aliases` are the words of its file of that name."""

    path: Path
    aliases: tuple[str, ...]
    is_of_a_module: bool

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def has_script(self) -> bool:
        """Whether it is run by its `runme.sh`; otherwise it is a role that a playbook runs."""
        return (self.path / "runme.sh").is_file()

    @property
    def is_helper(self) -> bool:
        return "hidden" in self.aliases or self.name.startswith(("setup_", "prepare_"))

    @property
    def setup(self) -> tuple[str, ...]:
        """The targets that run before it."""
        names = {alias.split("/")[2] for alias in self.aliases if alias.startswith(ALWAYS_OR_ONCE)}
        return tuple(sorted(names))

    @property
    def is_on_managed_host(self) -> bool:
        """Whether ansible-test runs it on the managed host rather than on the controller."""
        if "context/target" in self.aliases:
            return True
        return "context/controller" not in self.aliases and self.is_of_a_module

    @property
    def needs_ssh(self) -> bool:
        return "needs/ssh" in self.aliases

    @property
    def gathers_facts(self) -> bool:
        return "gather_facts/no" not in self.aliases

    @property
    def extra_environment(self) -> dict[str, str]:
        pairs = (value.partition("/") for value in self.values("env/set/"))
        return {name: value for name, _, value in pairs}

    def values(self, prefix: str) -> list[str]:
        """Give what follows the prefix in those aliases that have it."""
        return [alias.removeprefix(prefix) for alias in self.aliases if alias.startswith(prefix)]


class TargetCatalog:
    """All targets of an unpacked source distribution."""

    def __init__(self, source: Path) -> None:
        modules = frozenset(path.stem for path in (source / "lib/ansible/modules").glob("*.py"))
        paths = sorted((source / "test/integration/targets").iterdir())
        self.targets = {path.name: _read(path, modules) for path in paths if path.is_dir()}

    def with_dependencies(self, target: Target) -> list[Target]:
        """Give the target and all others whose files it needs, by name."""
        found: set[str] = set()
        pending = {target.name}
        while pending:
            name = pending.pop()
            found.add(name)
            known = {other for other in self._direct[name] if other in self.targets}
            pending |= known - found
        return [self.targets[name] for name in sorted(found)]

    @functools.cached_property
    def _direct(self) -> dict[str, set[str]]:
        roles = [
            target.name
            for target in self.targets.values()
            if target.is_helper and not target.has_script
        ]
        return {
            target.name: {*target.setup, *target.values("needs/target/"), *_named(target, roles)}
            for target in self.targets.values()
        }


def _read(path: Path, modules: frozenset[str]) -> Target:
    aliases = _aliases(path / "aliases")
    return Target(path, aliases, bool({path.name, *aliases} & modules))


def _aliases(file: Path) -> tuple[str, ...]:
    if not file.is_file():
        return ()
    lines = (line.partition("#")[0].strip() for line in file.read_text().splitlines())
    return tuple(line for line in lines if line)


def _named(target: Target, roles: list[str]) -> set[str]:
    """Give the helper roles that the target's meta files name, outside of comments."""
    found: set[str] = set()
    for file in (target.path / "meta").glob("*"):
        lines = file.read_text(errors="replace").splitlines()
        text = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
        found |= {name for name in roles if name in text}
    return found
