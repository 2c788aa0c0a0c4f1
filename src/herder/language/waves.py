"""Tasks that take a host out for a while go over the hosts in waves of five.

ansible-playbook's five forks make waves of every task, and a site behind a balancer lives through a
restart of all its servers thanks to them. With all hosts at once nobody would answer, so where
nobody says how many are to go together (`serial`, `throttle`, forks), these tasks keep the waves
in ansible-core's ordinary strategy, linear.
"""

from __future__ import annotations

from typing import Any

# Source: ansible-core 2.19 config/base.yml, the default of DEFAULT_FORKS
WAVE_HOSTS = 5

_OUT = frozenset({"reboot", "shutdown"})
_SERVICES = frozenset({"service", "supervisorctl", "systemd", "systemd_service", "sysvinit"})
_STATES = frozenset({"restarted", "stopped"})


def wave_of(task: Any, play: Any) -> int:
    """Give how many hosts may do a task at once, 0 for any number."""
    return WAVE_HOSTS if takes_host_out(task) and not play.serial else 0


def takes_host_out(task: Any) -> bool:
    """Say whether a host that does this task does not serve meanwhile, as far as can be seen."""
    module = str(task.action).rpartition(".")[2]
    if module not in _SERVICES:
        return module in _OUT
    state = str((task.args or {}).get("state", ""))
    # what a template gives is not known yet
    return state in _STATES or "{{" in state
