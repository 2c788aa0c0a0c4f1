"""Handlers that an earlier pass notified and did not run wait for the switch.

A hook that writes a configuration into the new release notifies a restart while the old release
still serves. Run before the switch, as ansible-core's flush after `pre_tasks` would, the restart
brings up the old release once more, and nothing is restarted after the switch; on the way back it
would bring up the new one.

*Source*: ansible-core 2.19 playbook/handler.py, plugins/strategy/__init__.py (flush_handlers).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Notified:
    """Holds what is notified on hosts until they come to their switch, and to their way back."""

    _held: dict[str, list[tuple[Any, Any]]] = field(default_factory=dict)
    _waiting: set[str] = field(default_factory=set)

    def hold(self, play: Any, hosts: Collection[str]) -> None:
        """A pass over these hosts begins; none of their handlers may run yet."""
        for block in [*play.compile_roles_handlers(), *play.handlers]:
            for handler in block.block:
                for host in [each for each in handler.notified_hosts if each.name in hosts]:
                    handler.remove_host(host)
                    self._held.setdefault(host.name, []).append((handler, host))
        self._waiting.update(hosts)

    def give_back(self, host: str) -> None:
        """The host comes to the tasks of the deploy role: the next flush is after its switch."""
        if host in self._waiting:
            self._waiting.remove(host)
            for handler, entry in self._held.get(host, ()):
                handler.notify_host(entry)
